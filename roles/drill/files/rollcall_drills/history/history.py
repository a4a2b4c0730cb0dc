"""A whole history as one value. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from .records import (
    Distrusted,
    Ended,
    Event,
    LeaderEvent,
    Mark,
    MembersEvent,
    MetricsEvent,
    PassingEvent,
    RaftEvent,
    Reads,
    Refused,
    Request,
    Stall,
)
from .settings import Drill

Kind = TypeVar("Kind", bound=Event)


@dataclasses.dataclass(frozen=True)
class History:
    """Everything that was recorded; requests by number, the rest by time.

    `damage` has a message for each invalid line, apart from a partial last line of a file.
    """

    drill: Drill
    requests: tuple[Request, ...] = ()
    marks: tuple[Mark, ...] = ()
    leaders: tuple[LeaderEvent, ...] = ()
    rafts: tuple[RaftEvent, ...] = ()
    members: tuple[MembersEvent, ...] = ()
    passing: tuple[PassingEvent, ...] = ()
    reads: tuple[Reads, ...] = ()
    refused: tuple[Refused, ...] = ()
    distrusted: tuple[Distrusted, ...] = ()
    metrics: tuple[MetricsEvent, ...] = ()
    stalls: tuple[Stall, ...] = ()
    ended: Ended | None = None
    damage: tuple[str, ...] = ()

    @property
    def end(self) -> float:
        """When the last request, mark or event ended."""
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
    """The history of records in any order."""
    ended = _in_order(events, Ended)
    return History(
        drill,
        tuple(sorted(requests, key=lambda request: request.n)),
        tuple(sorted(marks, key=lambda mark: mark.at)),
        _in_order(events, LeaderEvent),
        _in_order(events, RaftEvent),
        _in_order(events, MembersEvent),
        _in_order(events, PassingEvent),
        _in_order(events, Reads),
        _in_order(events, Refused),
        _in_order(events, Distrusted),
        _in_order(events, MetricsEvent),
        _in_order(events, Stall),
        ended[-1] if ended else None,
        tuple(damage or ()),
    )


def _in_order(events: Sequence[Event], kind: type[Kind]) -> tuple[Kind, ...]:
    """The events of one kind by time."""
    found = [event for event in events if isinstance(event, kind)]
    return tuple(sorted(found, key=_begin))


def _begin(event: Event) -> float:
    return event.start if isinstance(event, Reads | Stall) else event.at
