"""The difference between the services that should be registered and those that are."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .model import Container, Registered, Service

# Our marks in a service's metadata: who registered it, for which container, and a digest.
OWNER = "registrator-owner"
CONTAINER = "registrator-container"
HASH = "registrator-hash"
_MARKS = frozenset({OWNER, CONTAINER, HASH})
_UPSTREAM_ID = re.compile(r"(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]*):[0-9]+(?::udp)?")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to register and what to deregister, in that order."""

    register: tuple[Service, ...]
    deregister: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether the agent is right already."""
        return not self.register and not self.deregister


def payload(service: Service, owner: str, seal: str = "") -> dict[str, Any]:
    """The body of /v1/agent/service/register, with our marks in its metadata.

    The agent gives neither check definitions back nor the token that it keeps a service in the
    catalog with: the digest tells whether both are still ours. `seal` stands for the token.
    """
    body: dict[str, Any] = {
        "ID": service.id,
        "Name": service.name,
        "Address": service.address,
        "Port": service.port,
        "Tags": list(service.tags),
        "Meta": {key: value for key, value in service.meta.items() if key not in _MARKS},
    }
    if service.check is not None:
        body["Check"] = dict(service.check)
    if service.weights is not None:
        body["Weights"] = dict(service.weights)
    if service.enable_tag_override:
        body["EnableTagOverride"] = True
    # The state that a fed check begins with changes with its container's health: no difference.
    unfed = {"Status"} if service.health else set()
    check = {key: value for key, value in (service.check or {}).items() if key not in unfed}
    text = json.dumps({**body, "Check": check} if check else body, sort_keys=True)
    digest = hashlib.sha256((text + seal).encode()).hexdigest()[:16]
    body["Meta"].update({OWNER: owner, HASH: digest})
    if service.container:
        body["Meta"][CONTAINER] = service.container
    return body


def plan(
    desired: Iterable[Service],
    registered: Mapping[str, Registered],
    owner: str,
    here: Collection[str] = frozenset(),
    seal: str = "",
) -> Plan:
    """Register what is missing or differs, deregister what is ours and no longer wanted.

    `here` are the short identifiers of the containers that run on this host: what is marked with
    one of them is ours whatever the owner's mark says, for this host had another name then.
    """
    wanted = {service.id: service for service in desired}
    register = [
        service
        for service in wanted.values()
        if service.id not in registered or differs(service, registered[service.id], owner, seal)
    ]
    deregister = [
        entry.id
        for entry in registered.values()
        if entry.id not in wanted and is_ours(entry, owner, here)
    ]
    return Plan(tuple(register), tuple(deregister))


def is_ours(entry: Registered, owner: str, here: Collection[str] = frozenset()) -> bool:
    """Whether this daemon, or the upstream one it replaces here, registered a service.

    A service without our mark is only ours when it has the identifier that upstream would have
    given it on this host: swapping the daemons adopts it, and everything else is left alone.
    """
    mark = entry.meta.get(OWNER)
    if mark is not None:
        return mark == owner or entry.meta.get(CONTAINER) in here
    match = _UPSTREAM_ID.fullmatch(entry.id)
    return match is not None and match[1] == owner


def container_of(entry: Registered) -> str:
    """The container that a service of ours stands for: its short identifier, else its name.

    Empty where neither the marks nor an identifier in upstream's form tell.
    """
    match = _UPSTREAM_ID.fullmatch(entry.id)
    return entry.meta.get(CONTAINER) or (match[2] if match else "")


def unambiguous(
    desired: Iterable[Service], registered: Mapping[str, Registered]
) -> tuple[list[Service], list[Service]]:
    """Of several services that want one identifier, the one that gets it; and the losers.

    The one that is registered stays, else the first container in the identifiers' order gets it:
    the answer is the same at every look, so nothing flaps.
    """
    winners: dict[str, Service] = {}
    losers: list[Service] = []
    for service in sorted(desired, key=lambda service: service.container):
        rival = winners.setdefault(service.id, service)
        if rival is service:
            continue
        entry = registered.get(service.id)
        stands = entry.meta.get(CONTAINER) if entry else None
        if service.container == stands != rival.container:
            winners[service.id] = service
            losers.append(rival)
        else:
            losers.append(service)
    return list(winners.values()), losers


def differs(service: Service, entry: Registered, owner: str, seal: str = "") -> bool:
    """Whether a registered service has to be registered again.

    One that upstream left under an identifier that is this host's stays as it is while all that
    can be seen is the same. A check cannot be seen, and a service that has one is registered once
    more: its state stays. Upstream's master reverses the tags; their order alone is no difference.
    """
    body = payload(service, owner, seal)
    if OWNER not in entry.meta:
        seen = (entry.name, entry.address, entry.port, sorted(entry.tags), dict(entry.meta))
        due = (service.name, service.address, service.port, sorted(service.tags), service.meta)
        plain = not (service.check or service.weights or service.enable_tag_override)
        return not (plain and seen == due and is_ours(entry, owner))
    tags = body["Tags"] if service.enable_tag_override else list(entry.tags)
    seen = (entry.name, entry.address, entry.port, tags, dict(entry.meta))
    return seen != tuple(body[key] for key in ("Name", "Address", "Port", "Tags", "Meta"))


def joined_to(touched: Collection[str], containers: Mapping[str, Container]) -> frozenset[str]:
    """The containers that live in the network of one of these: its addresses are theirs."""
    return frozenset(
        key
        for key, container in containers.items()
        if container.network_mode.removeprefix("container:") in touched
    )


def strays(
    registered: Mapping[str, Registered], owner: str, accounted: Collection[str]
) -> list[str]:
    """The services of ours that no mark leads back to a container, and nobody accounts for."""
    return [
        key
        for key, entry in registered.items()
        if key not in accounted and CONTAINER not in entry.meta and is_ours(entry, owner)
    ]


def within_scope(
    registered: Mapping[str, Registered], wanted: Collection[str], containers: Collection[str]
) -> dict[str, Registered]:
    """The services that are one of these containers', or have an identifier that one wants."""
    return {
        key: entry
        for key, entry in registered.items()
        if key in wanted or entry.meta.get(CONTAINER) in containers
    }
