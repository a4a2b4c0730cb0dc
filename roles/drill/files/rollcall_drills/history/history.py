"""A whole history as one value. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

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
)
from .settings import Drill

Kind = TypeVar("Kind", bound=Event)
Timed = TypeVar(
    "Timed", LeaderSeen, RaftSeen, MembersSeen, PassingSeen, Refused, Distrusted, MetricsSeen
)


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


def _of(events: Sequence[Event], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def _by_time(events: list[Timed]) -> tuple[Timed, ...]:
    return tuple(sorted(events, key=lambda event: event.at))
