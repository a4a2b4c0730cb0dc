"""The difference between the services that should be registered and those that are."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .model import Registered, Service

OWNER = "registrator-owner"
HASH = "registrator-hash"
_UPSTREAM_ID = re.compile(r"^(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]*):[0-9]+(?::udp)?$")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to register and what to deregister, in that order."""

    register: tuple[Service, ...]
    deregister: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether the agent is right already."""
        return not self.register and not self.deregister


def payload(service: Service, owner: str) -> dict[str, Any]:
    """The body of /v1/agent/service/register, with our mark and a digest in its metadata.

    The agent does not give check definitions back: the digest tells whether they are still ours.
    """
    body: dict[str, Any] = {
        "ID": service.id,
        "Name": service.name,
        "Address": service.address,
        "Port": service.port,
        "Tags": list(service.tags),
        "Meta": dict(service.meta),
    }
    if service.check is not None:
        body["Check"] = dict(service.check)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    body["Meta"] = {**body["Meta"], OWNER: owner, HASH: digest}
    return body


def plan(desired: Iterable[Service], registered: Mapping[str, Registered], owner: str) -> Plan:
    """Register what is missing or differs, deregister what is ours and no longer wanted.

    A service without our mark is only ours when it has the identifier that upstream would have
    given it on this host: swapping the daemons adopts it, and everything else is left alone.
    """
    wanted = {service.id: service for service in desired}
    register = [
        service
        for service in wanted.values()
        if service.id not in registered or _differs(service, registered[service.id], owner)
    ]
    deregister = [
        entry.id
        for entry in registered.values()
        if entry.id not in wanted and is_ours(entry, owner)
    ]
    return Plan(tuple(register), tuple(deregister))


def is_ours(entry: Registered, owner: str) -> bool:
    """Whether this daemon, or the upstream one it replaces here, registered a service."""
    mark = entry.meta.get(OWNER)
    if mark is not None:
        return mark == owner
    match = _UPSTREAM_ID.match(entry.id)
    return match is not None and match[1] == owner


def _differs(service: Service, entry: Registered, owner: str) -> bool:
    body = payload(service, owner)
    seen = (entry.name, entry.address, entry.port, list(entry.tags), dict(entry.meta))
    return seen != tuple(body[key] for key in ("Name", "Address", "Port", "Tags", "Meta"))
