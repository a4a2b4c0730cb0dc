"""The data of the page and of `report.json`, from a history and its verdict. Pure.

Times are seconds since the drill started, latencies milliseconds.
"""

from __future__ import annotations

import bisect
import collections
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.bounds import Verdict
from ..analysis.elections import changes
from ..analysis.figures import percentile
from ..analysis.spans import spans
from ..history.history import History
from ..history.records import MembersEvent, PassingEvent, Request

_BUCKETS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)
_MOST_BUCKETS = 240
_MOST_METRICS = 12
NOBODY = "nobody"


def series(history: History, verdict: Verdict) -> dict[str, Any]:
    """Everything that the page shows."""
    start, length = history.drill.started, max(history.end - history.drill.started, 1.0)
    bucket = next((size for size in _BUCKETS if length / size <= _MOST_BUCKETS), _BUCKETS[-1])
    nodes = {seen.agent: seen.node for seen in history.rafts if seen.node}
    agents = {agent: nodes.get(agent, agent) for agent in history.drill.settings.consul}
    return {
        "name": history.drill.name,
        "description": history.drill.description,
        "started": start,
        "seconds": round(length, 3),
        "taken": _taken(history),
        "verdict": verdict.to_json(),
        "marks": [{**mark.to_line(), "at": _at(mark.at, start)} for mark in history.marks],
        "bucket_seconds": bucket,
        "instances": list(verdict.figures.distribution),
        "rate": _rate(history.requests, start, bucket),
        "latency": _latency(history.requests, start, bucket),
        "failures": _failures(history.requests, start),
        "leader": _leaders(history, agents, start),
        "reads": [
            {
                "from": _at(reads.start, start),
                "to": _at(reads.end, start),
                "answered": reads.answered,
            }
            for reads in history.reads
        ],
        "terms": _terms(history, start),
        "elections": [_at(change.at, start) for change in changes(history) if change.leader],
        "members": _members(history, start),
        "passing": _passing(history, start),
        "metrics": _metrics(history, start),
        "stalls": [
            {"from": _at(stall.start, start), "to": _at(stall.end, start)}
            for stall in history.stalls
        ],
    }


def _taken(history: History) -> dict[str, Any]:
    """How the history was recorded."""
    drill = history.drill
    settings = drill.settings
    consul = ", ".join(sorted({seen.version for seen in history.rafts if seen.version}))
    return {
        "url": settings.url,
        "rate": settings.rate,
        "post": settings.post,
        "fresh": settings.fresh,
        "timeout": settings.timeout,
        "service": settings.service,
        "consul": list(settings.consul),
        "metrics": settings.metrics,
        "versions": {**drill.versions, **({"consul": consul} if consul else {})},
    }


def _rate(requests: Sequence[Request], start: float, bucket: float) -> list[dict[str, Any]]:
    """Requests by the time they were due: answered by each instance, failed, late."""
    found = []
    for at, group in _buckets(requests, start, bucket):
        by = collections.Counter(r.instance or "?" for r in group if r.error is None)
        found.append(
            {
                "at": at,
                "by": dict(sorted(by.items())),
                "failed": sum(request.failed for request in group),
                "late": sum(request.late for request in group),
            }
        )
    return found


def _latency(requests: Sequence[Request], start: float, bucket: float) -> list[dict[str, Any]]:
    """Latencies by the time the requests were due, those of failed requests apart."""
    found = []
    for at, group in _buckets(requests, start, bucket):
        answered = sorted(request.latency * 1000 for request in group if request.error is None)
        if answered:
            found.append(
                {
                    "at": at,
                    "p50": round(percentile(answered, 0.5), 3),
                    "p99": round(percentile(answered, 0.99), 3),
                    "max": round(answered[-1], 3),
                }
            )
    return found


def _buckets(
    requests: Sequence[Request], start: float, bucket: float
) -> list[tuple[float, list[Request]]]:
    groups: dict[int, list[Request]] = collections.defaultdict(list)
    for request in requests:
        groups[int((request.due - start) / bucket)].append(request)
    return [(round(index * bucket, 3), groups[index]) for index in sorted(groups)]


def _failures(requests: Sequence[Request], start: float) -> list[dict[str, Any]]:
    """Every request that failed."""
    return [
        {
            "n": request.n,
            "at": _at(request.due, start),
            "ms": round(request.latency * 1000, 3),
            "method": request.method,
            "connection": request.connection,
            "error": request.error,
            "status": request.status,
            "backend": request.backend,
        }
        for request in requests
        if request.failed
    ]


def _leaders(history: History, agents: Mapping[str, str], start: float) -> list[dict[str, Any]]:
    """The leader that each agent knew; None where it was silent, NOBODY without a leader."""
    names = _names(history)
    lanes = spans(
        history.leaders,
        history.end,
        lambda seen: seen.leader if seen.leader is None else names.get(seen.leader, seen.leader),
    )
    return [
        {
            "name": agents[agent],
            "spans": [
                {
                    "from": _at(span.start, start),
                    "to": _at(span.end, start),
                    "value": NOBODY if span.value == "" else span.value,
                }
                for span in lanes.get(agent, [])
            ],
        }
        for agent in agents
    ]


def _names(history: History) -> dict[str, str]:
    """The leaders' addresses with their port as the nodes' names."""
    by_address: dict[str, set[str]] = collections.defaultdict(set)
    for view in history.members:
        for member in view.members or ():
            by_address[member.address].add(member.name)
    found = {}
    for seen in history.leaders:
        owners = by_address.get((seen.leader or "").rpartition(":")[0].strip("[]"), set())
        if seen.leader and len(owners) == 1:
            found[seen.leader] = next(iter(owners))
    return found


def _terms(history: History, start: float) -> list[dict[str, Any]]:
    """The highest term known, at the moments when it rose."""
    found: list[dict[str, Any]] = []
    for seen in history.rafts:
        if seen.term is not None and (not found or seen.term > found[-1]["term"]):
            found.append({"at": _at(seen.at, start), "term": seen.term})
    return found


def _members(history: History, start: float) -> list[dict[str, Any]]:
    """Each member's status, as the agents that answered saw it."""

    def states(seen: MembersEvent) -> dict[str, str] | None:
        if seen.members is None:
            return None
        return {member.name: member.status for member in seen.members}

    names = sorted({m.name for seen in history.members for m in seen.members or ()})
    lanes = _merged(history.members, history.end, states)

    def status(values: Sequence[dict[str, str] | None], name: str) -> str | None:
        known = [statuses.get(name, "gone") for statuses in values if statuses is not None]
        if not known:
            return None
        return known[0] if len(set(known)) == 1 else "disputed"

    return [
        {
            "name": name,
            "spans": _spans(lanes, start, lambda values, name=name: status(values, name)),
        }
        for name in names
    ]


def _passing(history: History, start: float) -> list[dict[str, Any]]:
    """Each instance ever listed, and whether all, some or none of the agents list it."""

    def listed(seen: PassingEvent) -> frozenset[str] | None:
        return None if seen.instances is None else frozenset(map(_key, seen.instances))

    known = {_key(one): one for seen in history.passing for one in seen.instances or ()}
    lanes = _merged(history.passing, history.end, listed)

    def share(values: Sequence[frozenset[str] | None], key: str) -> str | None:
        known = [keys for keys in values if keys is not None]
        if not known:
            return None
        count = sum(key in keys for keys in known)
        return "passing" if count == len(known) else "disputed" if count else "gone"

    return [
        {
            "node": one.node,
            "name": f"{one.address}:{one.port}",
            "id": one.id,
            "spans": _spans(lanes, start, lambda values, key=key: share(values, key)),
        }
        for key, one in sorted(known.items())
    ]


def _key(instance: Any) -> str:
    return f"{instance.node} {instance.address}:{instance.port} {instance.id}"


def _merged(events: Any, end: float, value: Any) -> list[tuple[float, float, list[Any]]]:
    """Intervals in which no agent's value changed, with the value of each agent."""
    lanes = list(spans(events, end, value).values())
    moments = sorted({span.start for lane in lanes for span in lane} | {end} if lanes else set())
    found = []
    for left, right in itertools.pairwise(moments):
        values = []
        for lane in lanes:
            index = bisect.bisect_right(lane, left, key=lambda span: span.start) - 1
            # An agent without a first answer has no value; a silent one has None.
            if index >= 0:
                values.append(lane[index].value)
        found.append((left, right, values))
    return found


def _spans(lanes: Any, start: float, status: Any) -> list[dict[str, Any]]:
    """The intervals of one lane; equal neighbours are merged."""
    found: list[dict[str, Any]] = []
    for left, right, values in lanes:
        value = status(values)
        if found and found[-1]["value"] == value:
            found[-1]["to"] = _at(right, start)
        else:
            found.append({"from": _at(left, start), "to": _at(right, start), "value": value})
    return found


def _metrics(history: History, start: float) -> list[dict[str, Any]]:
    """The balancer's metrics that changed during the drill, else what never changed."""
    points: dict[str, list[dict[str, float]]] = collections.defaultdict(list)
    for seen in history.metrics:
        for name, value in (seen.values or {}).items():
            points[name].append({"at": _at(seen.at, start), "value": value})
    ranked = sorted(points, key=lambda name: (len(points[name]) == 1, name))
    return [{"name": name, "points": points[name]} for name in sorted(ranked[:_MOST_METRICS])]


def _at(moment: float, start: float) -> float:
    return round(moment - start, 3)
