"""The difference between the services that should be registered and those that are."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .model import Registered, Service

# The marks in a service's metadata: who registered it, for which container, and a digest.
OWNER = "registrator-owner"
CONTAINER = "registrator-container"
HASH = "registrator-hash"
_MARKS = frozenset({OWNER, CONTAINER, HASH})
_UPSTREAM_ID = re.compile(r"(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]*):[0-9]+(?::udp)?")


@dataclasses.dataclass(frozen=True)
class Registration:
    """A service and the body of /v1/agent/service/register for it, with our marks.

    `digest` covers the body and the token that it is registered with.
    """

    service: Service
    body: Mapping[str, Any]
    digest: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to register and what to deregister, in that order."""

    register: tuple[Registration, ...]
    deregister: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing has to change."""
        return not self.register and not self.deregister


def registration(service: Service, owner: str, token_fingerprint: str = "") -> Registration:
    """What is sent to register a service.

    The agent returns neither a check's definition nor the token that it syncs a service to the
    catalog with. The digest in the metadata shows whether both are unchanged.
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
    # The initial status of a check that follows the HEALTHCHECK changes with the container's
    # health: that is no difference.
    volatile = {"Status"} if service.health else set()
    check = {key: value for key, value in (service.check or {}).items() if key not in volatile}
    text = json.dumps({**body, "Check": check} if check else body, sort_keys=True)
    digest = hashlib.sha256((text + token_fingerprint).encode()).hexdigest()[:16]
    body["Meta"].update({OWNER: owner, HASH: digest})
    if service.container:
        body["Meta"][CONTAINER] = service.container
    return Registration(service, body, digest)


def plan(
    desired: Iterable[Service],
    registered: Mapping[str, Registered],
    owner: str,
    running: Collection[str] = frozenset(),
    token_fingerprint: str = "",
) -> Plan:
    """Register what is missing or differs, deregister what is ours and no longer desired.

    `running` are the short identifiers of the containers that run on this host. A service marked
    with one of them is ours whatever its owner mark: the host had another name then.
    """
    wanted = {service.id: registration(service, owner, token_fingerprint) for service in desired}
    register = [
        entry
        for key, entry in wanted.items()
        if key not in registered or differs(entry, registered[key], owner)
    ]
    deregister = [
        entry.id
        for entry in registered.values()
        if entry.id not in wanted and is_ours(entry, owner, running)
    ]
    return Plan(tuple(register), tuple(deregister))


def differs(wanted: Registration, entry: Registered, owner: str) -> bool:
    """Whether a registered service has to be registered again.

    A service that upstream registered under one of this host's identifiers stays as it is while
    everything visible is the same. A check is not visible, so a service that has one is registered
    once more, which keeps its state. Upstream's master reverses the tags: their order alone is no
    difference.
    """
    service, body = wanted.service, wanted.body
    if OWNER not in entry.meta:
        actual = (entry.name, entry.address, entry.port, sorted(entry.tags), dict(entry.meta))
        due = (service.name, service.address, service.port, sorted(service.tags), service.meta)
        plain = not (service.check or service.weights or service.enable_tag_override)
        return not (plain and actual == due and is_ours(entry, owner))
    tags = body["Tags"] if service.enable_tag_override else list(entry.tags)
    actual = (entry.name, entry.address, entry.port, tags, dict(entry.meta))
    return actual != tuple(body[key] for key in ("Name", "Address", "Port", "Tags", "Meta"))


def is_ours(entry: Registered, owner: str, running: Collection[str] = frozenset()) -> bool:
    """Whether this daemon, or the upstream one that it replaces here, registered a service.

    A service without our mark is ours only if its identifier is one that upstream generates on
    this host: those are adopted when the daemons are swapped, and everything else is left alone.
    """
    mark = entry.meta.get(OWNER)
    if mark is not None:
        return mark == owner or entry.meta.get(CONTAINER) in running
    match = _UPSTREAM_ID.fullmatch(entry.id)
    return match is not None and match[1] == owner


def container_mark(entry: Registered) -> str:
    """The short identifier of the container that a service is marked with, empty without it."""
    return entry.meta.get(CONTAINER, "")


def container_of(entry: Registered) -> str:
    """The container of one of our services: its short identifier, else its name.

    Empty where neither the mark nor an identifier in upstream's form has it.
    """
    match = _UPSTREAM_ID.fullmatch(entry.id)
    return container_mark(entry) or (match[2] if match else "")


def unambiguous(
    desired: Iterable[Service], registered: Mapping[str, Registered]
) -> tuple[list[Service], list[Service]]:
    """Resolve conflicts: one service for each identifier, and the services that lose.

    The registered one keeps the identifier, else the container with the lowest identifier gets it.
    The result is the same in every cycle, so nothing flaps.
    """
    winners: dict[str, Service] = {}
    losers: list[Service] = []
    for service in sorted(desired, key=lambda service: service.container):
        rival = winners.setdefault(service.id, service)
        if rival is service:
            continue
        entry = registered.get(service.id)
        holder = container_mark(entry) if entry else ""
        if service.container == holder != rival.container:
            winners[service.id] = service
            losers.append(rival)
        else:
            losers.append(service)
    return list(winners.values()), losers


def unaccounted(
    registered: Mapping[str, Registered], owner: str, accounted: Collection[str]
) -> list[str]:
    """Our services without a container mark that are not among the `accounted` identifiers."""
    return [
        key
        for key, entry in registered.items()
        if key not in accounted and CONTAINER not in entry.meta and is_ours(entry, owner)
    ]


def within_scope(
    registered: Mapping[str, Registered], wanted: Collection[str], containers: Collection[str]
) -> dict[str, Registered]:
    """The services of these containers, and those that have one of the wanted identifiers."""
    return {
        key: entry
        for key, entry in registered.items()
        if key in wanted or entry.meta.get(CONTAINER) in containers
    }
