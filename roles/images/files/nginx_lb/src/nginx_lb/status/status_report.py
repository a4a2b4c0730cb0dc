"""Builds the status pages from a report: health, status, instances and metrics. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..model import Endpoint, Instances, Skip
from ..protection.guard import Hold

FRESH, HELD, STALE = "fresh", "held", "stale"
_STUB = re.compile(
    r"Active connections: (?P<active>\d+).*?"
    r"(?P<accepted>\d+) (?P<handled>\d+) (?P<requests>\d+).*?"
    r"Reading: (?P<reading>\d+) Writing: (?P<writing>\d+) Waiting: (?P<waiting>\d+)",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Report:
    """The state of the balancer at one moment. Ages are in seconds, None for never."""

    generation: int
    services: Mapping[str, Instances]
    leaving: Mapping[str, Instances]
    holds: Mapping[str, Hold]
    withdrawn: Mapping[str, frozenset[Endpoint]]
    skipped: tuple[Skip, ...]
    skipped_total: int
    reloads: int
    refusals: int
    render_age: float
    contact_age: float | None
    stale_after: float
    problem: str
    deaf: str
    refused: str
    revision: str
    offered_revision: str
    settings_refused: str
    pending: bool
    synced: bool

    @property
    def state(self) -> str:
        """fresh: as Consul reports; held: removed instances are kept; stale: no contact.

        It is stale as well while a query is not answered, though Consul has a leader.
        """
        if self._without_leader or self.deaf:
            return STALE
        return HELD if self.holds else FRESH

    @property
    def _without_leader(self) -> bool:
        return self.contact_age is None or self.contact_age > self.stale_after

    @property
    def reason(self) -> str:
        """Why the state is not fresh, "" where it is."""
        held = [f"{name}: {hold.reason}" for name, hold in sorted(self.holds.items())]
        stale = [self.problem or "Consul has not answered yet"] if self._without_leader else []
        deaf = [self.deaf] if self.deaf and not stale else []
        return "; ".join((*stale, *deaf, *held))


def health(report: Report) -> dict[str, Any]:
    """The public health page: no address, and only the names of services that are held."""
    return {
        "status": "ok",
        "state": report.state,
        "reason": report.reason,
        "generation": report.generation,
        "age_seconds": round(report.render_age, 3),
    }


def status(report: Report) -> dict[str, Any]:
    """The status page for operators."""
    return {
        **health(report),
        "contact_age_seconds": None if report.contact_age is None else round(report.contact_age, 3),
        "pending": report.pending,
        "synced": report.synced,
        "reloads": report.reloads,
        "refused": report.refused,
        "settings": {
            "revision": report.revision,
            "offered_revision": report.offered_revision,
            "accepted": not report.settings_refused,
            "reason": report.settings_refused,
        },
        "services": {
            name: {
                "instances": len(instances),
                "held": sorted(str(each) for each in report.holds[name].lost)
                if name in report.holds
                else [],
                "withdrawn": sorted(str(each) for each in report.withdrawn.get(name, ())),
            }
            for name, instances in sorted(report.services.items())
        },
        "skipped_total": report.skipped_total,
        "skipped": [dataclasses.asdict(skip) for skip in report.skipped],
    }


def instances(report: Report) -> dict[str, Any]:
    """Where requests may be sent, and removed instances to which nginx still has a connection."""
    rows = [
        {
            "service": name,
            "id": each.id,
            "address": each.endpoint.address,
            "port": each.endpoint.port,
            "weight": each.weight,
            "in_rotation": in_rotation,
        }
        for services, in_rotation in ((report.services, True), (report.leaving, False))
        for name, found in sorted(services.items())
        for each in found
    ]
    return {"generation": report.generation, "pending": report.pending, "instances": rows}


def metrics(report: Report, stub: str | None) -> str:
    """The metrics in Prometheus' text format; `stub` is nginx's stub_status, None without one."""
    lines: list[str] = []
    for name, kind, text, samples in (*_own(report), *_nginx(stub)):
        lines += [f"# HELP nginx_lb_{name} {text}", f"# TYPE nginx_lb_{name} {kind}"]
        lines += [f"nginx_lb_{name}{labels} {value}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"


_Family = tuple[str, str, str, Mapping[str, float]]


def _own(report: Report) -> Iterable[_Family]:
    counts = {_label("service", name): len(each) for name, each in sorted(report.services.items())}
    held = {_label("service", name): len(each.lost) for name, each in sorted(report.holds.items())}
    out = {_label("service", name): len(each) for name, each in sorted(report.withdrawn.items())}
    contact = {} if report.contact_age is None else {"": round(report.contact_age, 3)}
    states = {_label("state", name): int(report.state == name) for name in (FRESH, HELD, STALE)}
    yield "generation", "gauge", "Number of the generation that serves.", {"": report.generation}
    yield "reloads_total", "counter", "Successful reloads.", {"": report.reloads}
    yield "refused_total", "counter", "Refused configurations.", {"": report.refusals}
    yield (
        "render_age_seconds",
        "gauge",
        "Seconds since the last render.",
        {"": round(report.render_age, 3)},
    )
    yield "contact_age_seconds", "gauge", "Seconds since Consul last had a leader.", contact
    yield "state", "gauge", "1 for the current state.", states
    yield "held", "gauge", "1 while removed instances are kept.", {"": int(bool(report.holds))}
    yield "held_instances", "gauge", "Removed instances that are kept in rotation.", held
    yield "withdrawn_instances", "gauge", "Instances that refused connections or are others.", out
    yield "instances", "gauge", "Instances in rotation.", counts
    yield "skipped", "gauge", "Catalog entries skipped now.", {"": len(report.skipped)}
    yield (
        "skipped_total",
        "counter",
        "Catalog entries skipped since the start.",
        {"": report.skipped_total},
    )
    accepted = int(not report.settings_refused)
    yield "settings_accepted", "gauge", "1 while the offered settings are in use.", {"": accepted}


def _nginx(stub: str | None) -> Iterable[_Family]:
    found = _STUB.search(stub or "")
    if not found:
        return
    now = {
        _label("state", state): int(found[state])
        for state in ("active", "reading", "writing", "waiting")
    }
    yield "connections", "gauge", "Connections to nginx.", now
    yield (
        "connections_accepted_total",
        "counter",
        "Accepted connections.",
        {"": int(found["accepted"])},
    )
    yield (
        "connections_handled_total",
        "counter",
        "Handled connections.",
        {"": int(found["handled"])},
    )
    yield "requests_total", "counter", "Client requests.", {"": int(found["requests"])}


def _label(name: str, value: str) -> str:
    escaped = value.translate({ord("\\"): r"\\", ord('"'): r"\"", ord("\n"): r"\n"})
    return f'{{{name}="{escaped}"}}'
