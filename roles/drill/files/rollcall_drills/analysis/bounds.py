"""What a history must keep to: bounds go in with the figures, a verdict comes out. Pure."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Trouble
from ..history.history import History
from .elections import elections
from .figures import Figures, figures
from .phases import Phases, phases
from .stalls import explained

# More elections than the drill provokes are the machine's doing, and no fault of the stack.
_PROVOKED = "elections"
LEAST_CALM_REQUESTS = 100
MOST_LATE_SHARE = 0.005
# A probe that went on until it was stopped has asked within this of the last mark, in seconds.
_EARLY_SECONDS = 1.0


class Status(enum.StrEnum):
    """How a judgement ends; UNSTABLE is neither: the drill is to be repeated."""

    HELD = "held"
    MISSED = "missed"
    UNSTABLE = "unstable"


@dataclasses.dataclass(frozen=True)
class Known:
    """One bound that can be asked for: the most that a figure may be."""

    meaning: str
    figure: Callable[[Figures], float | None]


KNOWN: Mapping[str, Known] = {
    "failed": Known("failed requests", lambda f: f.failed),
    "failed_get": Known("failed GETs", lambda f: f.failed_get),
    "failed_post": Known("failed POSTs", lambda f: f.failed_post),
    "slowest_s": Known("slowest request, in s", lambda f: f.slowest_s),
    "leaderless_s": Known("longest time without a leader, in s", lambda f: f.leaderless_s),
    "new_leader_s": Known("fault to new leader, in s", lambda f: f.new_leader_after_s),
    "out_of_rotation_s": Known(
        "fault to last request sent there, in s", lambda f: f.out_of_rotation_s
    ),
    "out_of_catalog_s": Known("fault to gone from the catalog, in s", lambda f: f.out_of_catalog_s),
    "back_s": Known("healing to first answer, in s", lambda f: f.back_after_s),
    _PROVOKED: Known("elections", lambda f: f.elections),
    "reloads": Known("reloads of the balancer", lambda f: f.reloads),
    "p99_ratio": Known("p99 under fault / p99 in calm", lambda f: f.p99_ratio),
}


@dataclasses.dataclass(frozen=True)
class Line:
    """One bound judged. `measured` is None where it cannot be told, which keeps no bound."""

    name: str
    meaning: str
    wanted: str
    measured: float | None
    held: bool


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a history proves: every bound judged, and the sentences behind a miss or a doubt."""

    status: Status
    lines: tuple[Line, ...]
    reasons: tuple[str, ...]
    figures: Figures

    @property
    def stable(self) -> bool:
        """Whether nothing happened that the drill did not do."""
        return self.status is not Status.UNSTABLE

    def to_json(self) -> dict[str, Any]:
        """The document of `verdict.json`."""
        return {
            "status": self.status,
            "held": self.status is Status.HELD,
            "stable": self.stable,
            "bounds": [dataclasses.asdict(line) for line in self.lines],
            "reasons": list(self.reasons),
            "figures": self.figures.to_json(),
        }


def bounds_from(document: Any) -> dict[str, float]:
    """The bounds of a JSON document; Trouble where a name or a value is none."""
    if not isinstance(document, dict):
        raise Trouble("the bounds are no JSON object", 'They look like {"failed": 0}')
    for name, value in document.items():
        if name not in KNOWN:
            raise Trouble(f"there is no bound {name}", f"Known are {', '.join(KNOWN)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise Trouble(f"the bound {name} is {value!r}", "A bound is a number from 0 on")
    return dict(document)


def judge(history: History, wanted: Mapping[str, float]) -> Verdict:
    """Measure the history and hold it against the bounds."""
    when = phases(history.marks, history.end)
    measured = figures(history, when)
    broken = _broken(history, when)
    doubts = _doubts(history, when, measured)
    lines = [
        Line("history", "problems of the history", "0", len(broken), not broken),
        Line(
            "calm_requests",
            "requests in calm",
            f"≥ {LEAST_CALM_REQUESTS}",
            measured.calm_requests,
            measured.calm_requests >= LEAST_CALM_REQUESTS,
        ),
        Line(
            "calm_failed",
            "failed requests in calm",
            "0",
            measured.calm_failed,
            measured.calm_failed == 0,
        ),
    ]
    proves = lines[0].held and lines[1].held
    for name, most in wanted.items():
        value = KNOWN[name].figure(measured)
        held = value is not None and value <= most
        limit = f"≤ {most:g}" if most else "0"
        lines.append(Line(name, KNOWN[name].meaning, limit, value, held))
    surplus = [line for line in lines if line.name == _PROVOKED and line.measured and not line.held]
    doubts += [f"{_sentence(line)}: the drill did not provoke that" for line in surplus]
    spoilt = [line for line in lines if _spoilt(line, wanted.get(line.name, 0), history)]
    stood = f"this machine stood still for {measured.longest_stall_s:.2g} s"
    doubts += [f"{_sentence(line)}: {stood}" for line in spoilt]
    missed = [line for line in lines if not line.held and line not in (*surplus, *spoilt)]
    reasons = [*broken, *(_sentence(line) for line in missed if line.name != "history"), *doubts]
    if not proves:
        # Repeating it would prove as little: this is no matter of luck.
        status = Status.MISSED
    elif doubts:
        status = Status.UNSTABLE
    else:
        status = Status.MISSED if missed else Status.HELD
    return Verdict(status, tuple(lines), tuple(reasons), measured)


def _broken(history: History, when: Phases) -> list[str]:
    """Why this history proves nothing: a check that cannot fail is none."""
    found = [*history.damage, *when.problems]
    requests = history.requests
    if not requests:
        return [*found, "there are no requests"]
    if when.calm is None:
        found.append("there is no calm: mark it before the first fault")
    elif when.windows and when.calm >= when.windows[0].start:
        found.append("the first fault came before the calm")
    if history.ended is None:
        found.append("the probe did not end in order: drill stop comes before drill judge")
    elif history.ended.requests != len(requests):
        found.append(f"{history.ended.requests} requests were sent, {len(requests)} are here")
    gaps = any(after.n - before.n != 1 for before, after in itertools.pairwise(requests))
    if requests[0].n != 0 or gaps:
        found.append("requests are missing: their numbers have gaps")
    if history.marks and requests[-1].due < history.marks[-1].at - _EARLY_SECONDS:
        early = history.marks[-1].at - requests[-1].due
        found.append(f"the probe stopped {early:.1f} s before the last mark")
    return found


def _doubts(history: History, when: Phases, measured: Figures) -> list[str]:
    """What happened that the drill did not do."""
    found = []
    outside = elections(history, when).outside
    if outside:
        # Leader and term tell of the same election at about the same time.
        moments = dict.fromkeys(f"{at - history.drill.started:.1f} s" for at in outside)
        found.append(f"an election that no fault provoked, at {', '.join(moments)}")
    late, requests = measured.probe_late, measured.requests
    if late > MOST_LATE_SHARE * requests:
        found.append(f"this machine could not send {late} of {requests} requests in time")
    return found


def _spoilt(line: Line, most: float, history: History) -> bool:
    """Whether a bound is missed by no more than what the machine's stalls explain."""
    share = 0 if line.held or line.measured is None else explained(history, line.name)
    return share > 0 and (line.measured or 0) - share <= most


def _sentence(line: Line) -> str:
    if line.measured is None:
        return f"{line.name} cannot be told: nothing in the history says so"
    return f"{line.name} is {round(line.measured, 3):g}, wanted is {line.wanted}"
