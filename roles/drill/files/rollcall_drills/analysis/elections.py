"""Elections, changes of the leader, and the time without one. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..history.history import History
from ..history.records import LeaderEvent, RaftEvent
from .phases import Phases, Window


@dataclasses.dataclass(frozen=True)
class Change:
    """A moment at which some agent reported a higher term or another leader.

    `risen` is by how much the highest term known rose: that many elections were held.
    """

    at: float
    leader: str | None = None
    risen: int = 0


@dataclasses.dataclass(frozen=True)
class Elections:
    """How many elections there were inside and outside the windows, and the terms seen."""

    provoked: int
    unprovoked: int
    first_term: int | None
    last_term: int | None
    outside: tuple[float, ...]


def changes(history: History) -> list[Change]:
    """Every rise of the highest term and every change of the leader, by time.

    An agent that returns or lags and reports a former leader is no change.
    """
    found: list[Change] = []
    current, own, term = "", dict[str, str](), None
    events: list[LeaderEvent | RaftEvent] = sorted(
        (*history.leaders, *history.rafts), key=lambda event: event.at
    )
    for event in events:
        if isinstance(event, RaftEvent):
            if event.term is not None and (term is None or event.term > term):
                if term is not None:
                    found.append(Change(event.at, risen=event.term - term))
                term = event.term
        elif event.leader:
            if event.leader != current and own.get(event.agent) != event.leader:
                if current:
                    found.append(Change(event.at, leader=event.leader))
                current = event.leader
            own[event.agent] = event.leader
    return found


def elections(history: History, phases: Phases) -> Elections:
    """Count them. Without terms a change of the leader stands for one."""
    inside: dict[float, list[Change]] = {}
    outside: list[Change] = []
    for change in changes(history):
        window = phases.window_at(change.at)
        if window is None:
            outside.append(change)
        else:
            inside.setdefault(window.start, []).append(change)
    terms = [seen.term for seen in history.rafts if seen.term is not None]
    return Elections(
        sum(_held(group) for group in inside.values()),
        _held(outside),
        min(terms, default=None),
        max(terms, default=None),
        tuple(change.at for change in outside),
    )


def new_leader_after(history: History, window: Window) -> float | None:
    """Seconds from the window's first fault until a new leader was known; None without one.

    New is a leader of another address, or an agent that leads in a higher term.
    """
    before = [seen.term for seen in history.rafts if seen.at < window.start and seen.term]
    moments = [
        change.at
        for change in changes(history)
        if change.leader and window.start <= change.at <= window.end
    ]
    moments += [
        seen.at
        for seen in history.rafts
        if window.start <= seen.at <= window.end
        and seen.state == "Leader"
        and seen.term is not None
        and before
        and seen.term > max(before)
    ]
    return min(moments) - window.start if moments else None


def leaderless(history: History, window: Window) -> float | None:
    """The longest time in the window without an answered consistent read, in seconds.

    None where no read was ever answered.
    """
    if not any(reads.answered for reads in history.reads):
        return None
    lengths = [
        min(reads.end, window.end) - max(reads.start, window.start)
        for reads in history.reads
        if not reads.answered
    ]
    return max([0.0, *lengths])


def _held(group: Sequence[Change]) -> int:
    """How many elections these changes are evidence of."""
    return max(sum(change.risen for change in group), int(any(change.leader for change in group)))
