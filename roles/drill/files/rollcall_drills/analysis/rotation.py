"""How long a failed host stays in use, and how long it takes to return. Pure."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence

from ..history.history import History
from ..history.records import PassingEvent, RaftEvent, Request
from .phases import Fault, Phases, Window
from .spans import spans
from .targets import Target, Topology, targets


@dataclasses.dataclass(frozen=True)
class TargetFigures:
    """One fault's effect on one host or instance, in seconds; None where it is unknown."""

    target: str
    fault_at: float
    detail: str
    out_of_rotation_s: float | None
    out_of_catalog_s: float | None
    back_after_s: float | None


class Traffic:
    """The requests by the time they were due."""

    def __init__(self, requests: Sequence[Request]) -> None:
        """`requests` by number, which is by time."""
        self._requests = requests

    def due(self, start: float, end: float) -> Sequence[Request]:
        """Those due from `start` until before `end`."""
        first = bisect.bisect_left(self._requests, start, key=lambda request: request.due)
        last = bisect.bisect_left(self._requests, end, key=lambda request: request.due)
        return self._requests[first:last]


def out_of_rotation(
    traffic: Traffic, target: Target, fault: Fault, window: Window, since: float
) -> float | None:
    """Seconds from the fault until the last request was sent that it answered or was tried at.

    Looks until the fault was healed. None where it answered nothing from `since` to the fault:
    then the traffic does not show it.
    """
    at = fault.mark.at
    if not any(target.answered(request) for request in traffic.due(since, at)):
        return None
    # A request under way at the fault was sent before it, and does not count as use.
    sent = [
        request.due for request in traffic.due(at, _until(fault, window)) if target.routed(request)
    ]
    return max(sent) - at if sent else 0.0


def back_after(traffic: Traffic, target: Target, fault: Fault, end: float) -> float | None:
    """Seconds from healing to the end of the first answer after it; None where none came."""
    if fault.healed is None:
        return None
    answers = (
        request.over for request in traffic.due(fault.healed, end) if target.answered(request)
    )
    first = next(answers, None)
    return None if first is None else first - fault.healed


def out_of_catalog(history: History, target: Target, fault: Fault, window: Window) -> float | None:
    """Seconds from the fault until no surviving agent listed an instance of it as passing.

    Surviving are the agents that do not run on it and that answer when the fault is healed.
    None where none survives, or none of them listed it when the fault came.
    """
    at, until = fault.mark.at, _until(fault, window)
    rafts: dict[str, RaftEvent] = {seen.agent: seen for seen in history.rafts if seen.node}

    def lists(seen: PassingEvent) -> bool | None:
        if seen.instances is None:
            return None
        return any(target.lists(instance) for instance in seen.instances)

    known = False
    last = at
    for agent, states in spans(history.passing, history.end, lists).items():
        during = [state for state in states if state.end > at and state.start < until]
        if target.runs(agent, rafts.get(agent)) or not during or during[-1].value is None:
            continue
        known = known or bool(during[0].value and during[0].start <= at)
        last = max([last, *(min(state.end, until) for state in during if state.value)])
    return last - at if known else None


def target_figures(history: History, phases: Phases) -> tuple[TargetFigures, ...]:
    """The effect of every fault on each host or instance that it hits."""
    topology = Topology.learn(history.requests, history.members)
    traffic = Traffic(history.requests)
    since = history.drill.started if phases.calm is None else phases.calm
    found = []
    for window in phases.windows:
        for fault in window.faults:
            for target in targets(fault.mark, topology):
                found.append(
                    TargetFigures(
                        target.name,
                        fault.mark.at,
                        fault.mark.detail,
                        out_of_rotation(traffic, target, fault, window, since),
                        out_of_catalog(history, target, fault, window),
                        back_after(traffic, target, fault, history.end),
                    )
                )
    return tuple(found)


def _until(fault: Fault, window: Window) -> float:
    return window.end if fault.healed is None else fault.healed
