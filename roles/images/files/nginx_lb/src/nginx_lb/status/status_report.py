"""What the balancer says of itself: health, status, instances and metrics. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..discovery.snapshot import Instance, Instances, Skip
from ..nginx.generations import Generation, knowing
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
    """Everything that is told, at one moment. Ages are in seconds, None for never."""

    generation: int
    generations: tuple[Generation, ...]
    services: Mapping[str, Instances]
    holds: Mapping[str, Hold]
    skipped: tuple[Skip, ...]
    skipped_total: int
    reloads: int
    refusals: int
    render_age: float
    contact_age: float | None
    stale_after: float
    trouble: str
    refused: str
    revision: str
    offered_revision: str
    settings_refused: str
    pending: bool
    heard: bool

    @property
    def state(self) -> str:
        """fresh: as Consul says. held: instances stay against it. stale: Consul says nothing."""
        if self.contact_age is None or self.contact_age > self.stale_after:
            return STALE
        return HELD if self.holds else FRESH

    @property
    def reason(self) -> str:
        """Why the state is no better, "" when it is fresh."""
        held = [f"{name}: {hold.reason}" for name, hold in sorted(self.holds.items())]
        stale = [self.trouble or "Consul has not answered yet"] if self.state == STALE else []
        return "; ".join((*stale, *held))


def health(report: Report) -> dict[str, Any]:
    """What anybody may know: no address, no service's name but those that are held."""
    return {
        "status": "ok",
        "state": report.state,
        "reason": report.reason,
        "generation": report.generation,
        "age_seconds": round(report.render_age, 3),
    }


def status(report: Report) -> dict[str, Any]:
    """What the operator wants to know."""
    return {
        **health(report),
        "contact_age_seconds": None if report.contact_age is None else round(report.contact_age, 3),
        "pending": report.pending,
        "heard": report.heard,
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
                "held": sorted(str(place) for place in report.holds[name].lost)
                if name in report.holds
                else [],
            }
            for name, instances in sorted(report.services.items())
        },
        "skipped_total": report.skipped_total,
        "skipped": [dataclasses.asdict(skip) for skip in report.skipped],
    }


def instances(report: Report) -> dict[str, Any]:
    """Where requests may go: now, and by workers of older generations that still live."""
    known: dict[tuple[str, Instance], None] = {
        (name, instance): None
        for services in (*(each.services for each in report.generations), report.services)
        for name, found in services.items()
        for instance in found
    }
    rows = {}
    for name, instance in known:
        place = instance.place
        rows[name, place] = {
            "service": name,
            "id": instance.id,
            "address": place.address,
            "port": place.port,
            "weight": instance.weight,
            "in_rotation": any(each.place == place for each in report.services.get(name, ())),
            "generations": knowing(report.generations, name, place),
        }
    return {
        "generation": report.generation,
        "pending": report.pending,
        "generations": [
            {"number": each.number, "workers": len(each.workers)} for each in report.generations
        ],
        "instances": [rows[key] for key in sorted(rows)],
    }


def metrics(report: Report, stub: str | None) -> str:
    """Prometheus' text; `stub` is nginx's stub_status, None where nginx did not answer."""
    lines: list[str] = []
    for name, kind, text, samples in (*_own(report), *_nginx(stub)):
        lines += [f"# HELP nginx_lb_{name} {text}", f"# TYPE nginx_lb_{name} {kind}"]
        lines += [f"nginx_lb_{name}{labels} {value}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"


_Family = tuple[str, str, str, Mapping[str, float]]


def _own(report: Report) -> Iterable[_Family]:
    counts = {_label("service", name): len(each) for name, each in sorted(report.services.items())}
    held = {_label("service", name): len(each.lost) for name, each in sorted(report.holds.items())}
    contact = {} if report.contact_age is None else {"": round(report.contact_age, 3)}
    states = {_label("state", name): int(report.state == name) for name in (FRESH, HELD, STALE)}
    yield "generation", "gauge", "The generation that serves.", {"": report.generation}
    yield "generations", "gauge", "Generations with workers.", {"": len(report.generations)}
    yield "reloads_total", "counter", "Reloads that served.", {"": report.reloads}
    yield "refused_total", "counter", "Configurations refused.", {"": report.refusals}
    yield "render_age_seconds", "gauge", "Since the last render.", {"": round(report.render_age, 3)}
    yield "contact_age_seconds", "gauge", "Since Consul had a leader.", contact
    yield "state", "gauge", "1 for the present state.", states
    yield "held", "gauge", "1 while instances are held.", {"": int(bool(report.holds))}
    yield "held_instances", "gauge", "Instances that are held.", held
    yield "instances", "gauge", "Instances in rotation.", counts
    yield "skipped", "gauge", "Entries left out now.", {"": len(report.skipped)}
    yield "skipped_total", "counter", "Entries left out, ever.", {"": report.skipped_total}
    accepted = int(not report.settings_refused)
    yield "settings_accepted", "gauge", "1 while the settings are in use.", {"": accepted}


def _nginx(stub: str | None) -> Iterable[_Family]:
    found = _STUB.search(stub or "")
    if not found:
        return
    now = {
        _label("state", state): int(found[state])
        for state in ("active", "reading", "writing", "waiting")
    }
    yield "connections", "gauge", "Connections to nginx.", now
    yield "connections_accepted_total", "counter", "Accepted.", {"": int(found["accepted"])}
    yield "connections_handled_total", "counter", "Handled.", {"": int(found["handled"])}
    yield "requests_total", "counter", "Requests.", {"": int(found["requests"])}


def _label(name: str, value: str) -> str:
    escaped = value.translate({ord("\\"): r"\\", ord('"'): r"\"", ord("\n"): r"\n"})
    return f'{{{name}="{escaped}"}}'
