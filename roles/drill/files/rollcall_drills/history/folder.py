"""A history is a folder: which files it has, and how they are read back."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import Trouble
from .history import History, assemble
from .records import Mark, Request, event_from_line
from .settings import Drill

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Folder:
    """The places inside a history's folder."""

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
        """What the last judgement said."""
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
        """The drill; Trouble where the folder is no history."""
        try:
            return Drill.from_json(json.loads(self.drill.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise Trouble(
                f"{self.path} holds no history", "drill start --history makes one"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise Trouble(
                f"{self.drill} cannot be read: {error}", "Restore the file, or drill again"
            ) from error

    def wanted(self) -> dict[str, float]:
        """The remembered bounds, none where it was never judged."""
        try:
            bounds: dict[str, float] = json.loads(self.bounds.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return bounds


def load(folder: Folder) -> History:
    """Read a history, also one that is still being written; Trouble where there is none."""
    drill = folder.head()
    damage: list[str] = []
    requests = _read(folder.requests, Request.from_line, damage)
    marks = _read(folder.marks, Mark.from_line, damage)
    events = [event for event in _read(folder.events, event_from_line, damage) if event]
    return assemble(drill, requests, marks, events, damage)


def write_json(path: pathlib.Path, document: Mapping[str, Any]) -> None:
    """Write a document that a person may read too; never half of it."""
    text = json.dumps(document, indent=2, sort_keys=False, ensure_ascii=False) + "\n"
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _read(
    path: pathlib.Path, parse: Callable[[Mapping[str, Any]], Value], damage: list[str]
) -> list[Value]:
    """The values of a file of lines; what is none is told, except at the end."""
    values: list[Value] = []
    if not path.exists():
        return values
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            try:
                values.append(parse(json.loads(text)))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                # Without its line end it is being written at this moment, or was when it ended.
                if text.endswith("\n"):
                    damage.append(f"{path.name}:{number} cannot be read: {error!r}")
    return values
