"""A history is a folder: which files it has, and how they are read back."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import UserError
from .history import History, assemble
from .records import Mark, Request, event_from_line
from .settings import Drill

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Folder:
    """The files of a history."""

    path: pathlib.Path

    @property
    def drill(self) -> pathlib.Path:
        """Name, description, settings, versions."""
        return self.path / "drill.json"

    @property
    def requests(self) -> pathlib.Path:
        """One line per request, in the order in which they were over."""
        return self.path / "requests.jsonl"

    @property
    def events(self) -> pathlib.Path:
        """One line per change that the recorder saw."""
        return self.path / "events.jsonl"

    @property
    def marks(self) -> pathlib.Path:
        """One line per mark."""
        return self.path / "marks.jsonl"

    @property
    def bounds(self) -> pathlib.Path:
        """The bounds it was judged by last."""
        return self.path / "bounds.json"

    @property
    def verdict(self) -> pathlib.Path:
        """The verdict of the last judgement."""
        return self.path / "verdict.json"

    @property
    def pid(self) -> pathlib.Path:
        """The observer's process id; locked as long as the observer runs."""
        return self.path / "observer.pid"

    @property
    def log(self) -> pathlib.Path:
        """The observer's standard error."""
        return self.path / "observer.log"

    @property
    def recorded(self) -> tuple[pathlib.Path, ...]:
        """What a start and its observer write."""
        return (self.drill, self.requests, self.events, self.marks, self.pid, self.log)

    def head(self) -> Drill:
        """The drill; UserError where the folder is no history."""
        try:
            return Drill.from_json(json.loads(self.drill.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise UserError(
                f"{self.path} has no history", "drill start --history creates one"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.drill} cannot be read: {error}", "Restore the file, or repeat the drill"
            ) from error

    def saved_bounds(self) -> dict[str, float]:
        """The bounds of the last judgement, none before the first one."""
        try:
            bounds: dict[str, float] = json.loads(self.bounds.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return bounds


def load(folder: Folder) -> History:
    """Read a history, also one that is still being written; UserError where there is none."""
    drill = folder.head()
    damage: list[str] = []
    requests = _read_lines(folder.requests, Request.from_line, damage)
    marks = _read_lines(folder.marks, Mark.from_line, damage)
    events = [event for event in _read_lines(folder.events, event_from_line, damage) if event]
    return assemble(drill, requests, marks, events, damage)


def write_json(path: pathlib.Path, document: Mapping[str, Any]) -> None:
    """Write a document that a person may read too; never half of it."""
    text = json.dumps(document, indent=2, sort_keys=False, ensure_ascii=False) + "\n"
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _read_lines(
    path: pathlib.Path, parse: Callable[[Mapping[str, Any]], Value], damage: list[str]
) -> list[Value]:
    """The values of a JSON Lines file; `damage` gets invalid lines but a partial last one."""
    values: list[Value] = []
    if not path.exists():
        return values
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            try:
                values.append(parse(json.loads(text)))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                # A line without its end is still being written, or was when the observer ended.
                if text.endswith("\n"):
                    damage.append(f"{path.name}:{number} cannot be read: {error!r}")
    return values
