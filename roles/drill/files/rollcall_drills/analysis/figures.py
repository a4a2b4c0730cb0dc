"""Every figure of a history, from the records alone. Pure."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..history.history import History
from ..history.records import Request
from .elections import leaderless, new_leader_after
from .phases import Phases
from .rotation import TargetFigures, target_figures
from .stalls import longest
from .timeline import Timeline


@dataclasses.dataclass(frozen=True)
class Failures:
    """How many requests of one kind failed in one way."""

    method: str
    connection: str
    error: str
    count: int


@dataclasses.dataclass(frozen=True)
class Figures:
    """Everything that is measured. Seconds; an unknown figure is None.

    Latencies count from the moment a request was due. Percentiles are those of the answered
    requests, `slowest_s` counts the failed ones too. With several faults a figure is the worst.
    """

    requests: int
    failed: int
    failed_get: int
    failed_post: int
    failures: tuple[Failures, ...]
    probe_late: int
    calm_requests: int
    calm_failed: int
    slowest_s: float | None
    calm_ms: Mapping[str, float]
    fault_ms: Mapping[str, float]
    p99_ratio: float | None
    leaderless_s: float | None
    new_leader_after_s: float | None
    out_of_rotation_s: float | None
    out_of_catalog_s: float | None
    back_after_s: float | None
    targets: tuple[TargetFigures, ...]
    elections: int | None
    unprovoked_elections: int
    terms: tuple[int, int] | None
    reloads: int | None
    longest_stall_s: float
    distribution: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """The document of the figures."""
        return dataclasses.asdict(self)


def figures(timeline: Timeline) -> Figures:
    """All figures of a timeline."""
    history, phases, held = timeline.history, timeline.phases, timeline.elections
    usable = [request for request in history.requests if not request.late]
    failed = [request for request in usable if request.failed]
    calm, during = _split(usable, phases)
    calm_ms, fault_ms = _percentiles(calm), _percentiles(during)
    by_kind = collections.Counter(
        (request.method, request.connection, str(request.error)) for request in failed
    )
    effects = target_figures(history, phases)
    return Figures(
        requests=len(history.requests),
        failed=len(failed),
        failed_get=sum(request.method == "GET" for request in failed),
        failed_post=sum(request.method == "POST" for request in failed),
        failures=tuple(Failures(*kind, count) for kind, count in sorted(by_kind.items())),
        probe_late=len(history.requests) - len(usable),
        calm_requests=len(calm),
        calm_failed=sum(request.failed for request in calm),
        slowest_s=max((request.latency for request in usable), default=None),
        calm_ms=calm_ms,
        fault_ms=fault_ms,
        p99_ratio=fault_ms["p99"] / calm_ms["p99"] if calm_ms and fault_ms else None,
        leaderless_s=_worst(leaderless(history, window) for window in phases.windows),
        # A fault that spares the leader needs no new one.
        new_leader_after_s=_worst(
            after
            for window in phases.windows
            if (after := new_leader_after(history, window)) is not None
        ),
        out_of_rotation_s=_worst(one.out_of_rotation_s for one in effects),
        out_of_catalog_s=_worst(one.out_of_catalog_s for one in effects),
        back_after_s=_worst(one.back_after_s for one in effects),
        targets=effects,
        elections=held.provoked + held.unprovoked if history.leaders or history.rafts else None,
        unprovoked_elections=held.unprovoked,
        terms=(held.first_term, held.last_term)
        if held.first_term is not None and held.last_term is not None
        else None,
        reloads=_reloads(history),
        longest_stall_s=longest(history),
        distribution=dict(
            sorted(collections.Counter(r.instance for r in usable if r.instance).items())
        ),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _split(requests: Sequence[Request], phases: Phases) -> tuple[list[Request], list[Request]]:
    """The requests of the calm, and those that touch a window; earlier ones are in neither."""
    calm, during = [], []
    for request in requests:
        if phases.window_at(request.due, request.over) is not None:
            during.append(request)
        elif phases.calm is not None and request.due >= phases.calm:
            calm.append(request)
    return calm, during


def _percentiles(requests: Iterable[Request]) -> dict[str, float]:
    """Milliseconds of the answered requests; empty without any."""
    ordered = sorted(request.latency for request in requests if not request.failed)
    if not ordered:
        return {}
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: percentile(ordered, share) * 1000 for name, share in shares.items()}


def _reloads(history: History) -> int | None:
    """The balancer's number of reloads; None without such a metric."""
    counts: dict[str, list[float]] = collections.defaultdict(list)
    for seen in history.metrics:
        for name, value in (seen.values or {}).items():
            if name.partition("{")[0].endswith(("_reloads", "_reloads_total")):
                counts[name].append(value)
    if not counts:
        return None
    # A counter that falls was reset: its value is the increase since.
    return int(
        sum(
            after - before if after >= before else after
            for values in counts.values()
            for before, after in itertools.pairwise(values)
        )
    )


def _worst(values: Iterable[float | None]) -> float | None:
    """The largest; None without any, and where one of them is unknown."""
    known: list[float] = []
    for value in values:
        if value is None:
            return None
        known.append(value)
    return max(known, default=None)
