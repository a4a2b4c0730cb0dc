"""A history is a folder: who writes which file, and how it is read back."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .records import (
    Distrusted,
    Ended,
    Event,
    LeaderSeen,
    Mark,
    MembersSeen,
    MetricsSeen,
    PassingSeen,
    RaftSeen,
    Reads,
    Refused,
    Request,
    Stall,
    event_from_line,
)
from .settings import Drill
from .trouble import Trouble

Value = TypeVar("Value")
Kind = TypeVar("Kind", bound=Event)
Timed = TypeVar(
    "Timed", LeaderSeen, RaftSeen, MembersSeen, PassingSeen, Refused, Distrusted, MetricsSeen
)


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


@dataclasses.dataclass(frozen=True)
class History:
    """Everything that was recorded; requests by number, the rest by time.

    `damage` has a sentence for each line that is none, apart from one cut off at a file's end.
    """

    drill: Drill
    requests: tuple[Request, ...] = ()
    marks: tuple[Mark, ...] = ()
    leaders: tuple[LeaderSeen, ...] = ()
    rafts: tuple[RaftSeen, ...] = ()
    members: tuple[MembersSeen, ...] = ()
    passing: tuple[PassingSeen, ...] = ()
    reads: tuple[Reads, ...] = ()
    refused: tuple[Refused, ...] = ()
    distrusted: tuple[Distrusted, ...] = ()
    metrics: tuple[MetricsSeen, ...] = ()
    stalls: tuple[Stall, ...] = ()
    ended: Ended | None = None
    damage: tuple[str, ...] = ()

    @property
    def end(self) -> float:
        """When the last thing happened."""
        times = [self.drill.started]
        times += [self.ended.at] if self.ended else []
        times += [self.requests[-1].over] if self.requests else []
        times += [self.marks[-1].at] if self.marks else []
        return max(times)


def load(folder: Folder) -> History:
    """Read a history, also one that is still being written; Trouble where there is none."""
    drill = folder.head()
    damage: list[str] = []
    requests = _read(folder.requests, Request.from_line, damage)
    marks = _read(folder.marks, Mark.from_line, damage)
    events = [event for event in _read(folder.events, event_from_line, damage) if event]
    return assemble(drill, requests, marks, events, damage)


def assemble(
    drill: Drill,
    requests: list[Request],
    marks: list[Mark],
    events: list[Event],
    damage: list[str] | None = None,
) -> History:
    """Put records of any order in order."""
    ended = _of(events, Ended)
    return History(
        drill,
        tuple(sorted(requests, key=lambda request: request.n)),
        tuple(sorted(marks, key=lambda mark: mark.at)),
        _by_time(_of(events, LeaderSeen)),
        _by_time(_of(events, RaftSeen)),
        _by_time(_of(events, MembersSeen)),
        _by_time(_of(events, PassingSeen)),
        tuple(sorted(_of(events, Reads), key=lambda reads: reads.start)),
        _by_time(_of(events, Refused)),
        _by_time(_of(events, Distrusted)),
        _by_time(_of(events, MetricsSeen)),
        tuple(sorted(_of(events, Stall), key=lambda stall: stall.start)),
        ended[-1] if ended else None,
        tuple(damage or ()),
    )


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


def _of(events: Sequence[Event], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def _by_time(events: list[Timed]) -> tuple[Timed, ...]:
    return tuple(sorted(events, key=lambda event: event.at))
