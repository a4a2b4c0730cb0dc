"""Bounds on the figures of a history, and the verdict on them. Pure."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UserError
from ..history.history import History
from .figures import Figures, figures
from .phases import Phases
from .stalls import explained
from .timeline import Timeline

# More elections than the drill causes come from the machine, and are no failure of the stack.
_PROVOKED = "elections"
LEAST_CALM_REQUESTS = 100
MOST_LATE_SHARE = 0.005
# A probe that ran until it was stopped sent a request this many seconds before the last mark.
_EARLY_SECONDS = 1.0


class Status(enum.StrEnum):
    """The result of a judgement; with UNSTABLE the drill has to be repeated."""

    HELD = "held"
    MISSED = "missed"
    UNSTABLE = "unstable"


@dataclasses.dataclass(frozen=True)
class Bound:
    """A bound: the highest value that a figure may have."""

    meaning: str
    figure: Callable[[Figures], float | None]


BOUNDS: Mapping[str, Bound] = {
    "failed": Bound("failed requests", lambda f: f.failed),
    "failed_get": Bound("failed GETs", lambda f: f.failed_get),
    "failed_post": Bound("failed POSTs", lambda f: f.failed_post),
    "slowest_s": Bound("slowest request, in s", lambda f: f.slowest_s),
    "leaderless_s": Bound("longest time without a leader, in s", lambda f: f.leaderless_s),
    "new_leader_s": Bound("fault to new leader, in s", lambda f: f.new_leader_after_s),
    "out_of_rotation_s": Bound(
        "fault to last request sent there, in s", lambda f: f.out_of_rotation_s
    ),
    "out_of_catalog_s": Bound("fault to gone from the catalog, in s", lambda f: f.out_of_catalog_s),
    "back_s": Bound("healing to first answer, in s", lambda f: f.back_after_s),
    _PROVOKED: Bound("elections", lambda f: f.elections),
    "reloads": Bound("reloads of the balancer", lambda f: f.reloads),
    "p99_ratio": Bound("p99 under fault / p99 in calm", lambda f: f.p99_ratio),
}


@dataclasses.dataclass(frozen=True)
class BoundResult:
    """One bound judged. `measured` is None where it is unknown, which misses the bound."""

    name: str
    meaning: str
    wanted: str
    measured: float | None
    held: bool


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Every bound judged, and the reasons for what was missed or is unstable."""

    status: Status
    results: tuple[BoundResult, ...]
    reasons: tuple[str, ...]
    figures: Figures

    @property
    def stable(self) -> bool:
        """Whether nothing happened that the drill did not cause."""
        return self.status is not Status.UNSTABLE

    def to_json(self) -> dict[str, Any]:
        """The document of `verdict.json`."""
        return {
            "status": self.status,
            "held": self.status is Status.HELD,
            "stable": self.stable,
            "bounds": [dataclasses.asdict(result) for result in self.results],
            "reasons": list(self.reasons),
            "figures": self.figures.to_json(),
        }


def bounds_from(document: Any) -> dict[str, float]:
    """The bounds of a JSON document; UserError for an unknown name or an invalid value."""
    if not isinstance(document, dict):
        raise UserError("the bounds are not a JSON object", 'They look like {"failed": 0}')
    for name, value in document.items():
        if name not in BOUNDS:
            raise UserError(f"there is no bound {name}", f"Known bounds are {', '.join(BOUNDS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise UserError(f"the bound {name} is {value!r}", "A bound is a number of at least 0")
    return dict(document)


def judge(history: History, wanted: Mapping[str, float]) -> Verdict:
    """Compute the figures of the history and check them against the bounds."""
    timeline = Timeline.of(history)
    measured = figures(timeline)
    problems = _integrity_problems(history, timeline.phases)
    instabilities = _instabilities(timeline, measured)
    results = [
        BoundResult("history", "problems of the history", "0", len(problems), not problems),
        BoundResult(
            "calm_requests",
            "requests in calm",
            f"≥ {LEAST_CALM_REQUESTS}",
            measured.calm_requests,
            measured.calm_requests >= LEAST_CALM_REQUESTS,
        ),
        BoundResult(
            "calm_failed",
            "failed requests in calm",
            "0",
            measured.calm_failed,
            measured.calm_failed == 0,
        ),
    ]
    conclusive = results[0].held and results[1].held
    for name, most in wanted.items():
        value = BOUNDS[name].figure(measured)
        held = value is not None and value <= most
        limit = f"≤ {most:g}" if most else "0"
        results.append(BoundResult(name, BOUNDS[name].meaning, limit, value, held))
    missed = [result for result in results if not result.held]
    surplus = [result for result in missed if result.name == _PROVOKED and result.measured]
    stalled = [one for one in missed if _explained_by_stalls(one, wanted.get(one.name, 0), history)]
    paused = f"this machine paused the observer for {measured.longest_stall_s:.2g} s"
    instabilities += [f"{_describe(result)}: the drill did not cause that" for result in surplus]
    instabilities += [f"{_describe(result)}: {paused}" for result in stalled]
    missed = [result for result in missed if result not in (*surplus, *stalled)]
    reasons = [
        *problems,
        *(_describe(result) for result in missed if result.name != "history"),
        *instabilities,
    ]
    if not conclusive:
        # A repetition would not help: the history is incomplete or its calm is too short.
        status = Status.MISSED
    elif instabilities:
        status = Status.UNSTABLE
    else:
        status = Status.MISSED if missed else Status.HELD
    return Verdict(status, tuple(results), tuple(reasons), measured)


def _integrity_problems(history: History, when: Phases) -> list[str]:
    """Why no verdict can be based on this history."""
    found = [*history.damage, *when.problems]
    requests = history.requests
    if not requests:
        return [*found, "there are no requests"]
    if when.calm is None:
        found.append("there is no calm phase: mark it before the first fault")
    elif when.windows and when.calm >= when.windows[0].start:
        found.append("the first fault came before the calm phase")
    if history.ended is None:
        found.append("the probe did not end in order: run drill stop before drill judge")
    elif history.ended.requests != len(requests):
        found.append(f"{history.ended.requests} requests were sent, {len(requests)} are recorded")
    gaps = any(after.n - before.n != 1 for before, after in itertools.pairwise(requests))
    if requests[0].n != 0 or gaps:
        found.append("requests are missing: their numbers have gaps")
    if history.marks and requests[-1].due < history.marks[-1].at - _EARLY_SECONDS:
        early = history.marks[-1].at - requests[-1].due
        found.append(f"the probe stopped {early:.1f} s before the last mark")
    return found


def _instabilities(timeline: Timeline, measured: Figures) -> list[str]:
    """What happened that the drill did not cause."""
    found = []
    outside, started = timeline.elections.outside, timeline.history.drill.started
    if outside:
        # A new leader and a new term of one election are recorded at about the same time.
        moments = dict.fromkeys(f"{at - started:.1f} s" for at in outside)
        found.append(f"an election that no fault caused, at {', '.join(moments)}")
    late, requests = measured.probe_late, measured.requests
    if late > MOST_LATE_SHARE * requests:
        found.append(f"this machine could not send {late} of {requests} requests in time")
    return found


def _explained_by_stalls(result: BoundResult, most: float, history: History) -> bool:
    """Whether stalls of the machine explain the miss of a bound."""
    share = 0 if result.measured is None else explained(history, result.name)
    return share > 0 and (result.measured or 0) - share <= most


def _describe(result: BoundResult) -> str:
    if result.measured is None:
        return f"{result.name} is unknown: the history has no data for it"
    return f"{result.name} is {round(result.measured, 3):g}, the bound is {result.wanted}"
