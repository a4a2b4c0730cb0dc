# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Compares the containers of a host with its agent and the catalog. No I/O."""

from __future__ import annotations

import typing as t

from ..._docker.expected_services import ExpectedService
from ..service.address import loopback
from .model import GONE, KINDS, AuditData, Entry, Finding

# The entry of the servers themselves: no Registrator made it, and it disappears with its node.
_CONSUL = "consul"
_RE_REGISTERED = "repair deregisters it, and the resync of Registrator registers it again"


def audit(data: AuditData) -> tuple[Finding, ...]:
    """All findings, at most one kind for each problem, in a stable order."""
    holders, missing = _assign(data)
    held = {entry.key for entry in holders.values()}
    found = [*missing]
    for service, entry in holders.items():
        found += _held(data, service, entry)
    here = {entry.id for entry in data.agent}
    rest = [entry for entry in data.agent if entry.key not in held]
    for entry in data.catalog:
        if _gone(data, entry):
            found += _stale(data, entry)
        elif entry.node != data.node.name or entry.id not in here:
            rest.append(entry)
    for entry in rest:
        found += _surplus(data, entry, holders)
    order = {kind: number for number, kind in enumerate(KINDS)}
    return tuple(sorted(found, key=lambda each: (order[each.kind], each.key)))


def persistent(
    findings: t.Sequence[Finding], before: t.Collection[tuple[str, str, str, str]] | None
) -> tuple[Finding, ...]:
    """Those that every look before had too: each gets the same time to pass by itself."""
    return tuple(each for each in findings if before is None or each.key in before)


def _assign(data: AuditData) -> tuple[dict[ExpectedService, Entry], list[Finding]]:
    """Which entry of the agent stands for which service, and the services that have none."""
    holders: dict[ExpectedService, Entry] = {}
    missing = []
    rivals: dict[str, list[ExpectedService]] = {}
    for service in sorted(data.expected, key=lambda service: (service.id, service.short_id)):
        rivals.setdefault(service.id, []).append(service)
    for identifier, services in rivals.items():
        entry = next((each for each in data.agent if each.id == identifier), None)
        winner = services[0]
        if entry is not None:
            winner = max(services, key=lambda service: _fit(service, entry))
            holders[winner] = entry
        for service in services:
            # A Registrator of another name may hold it: the service is what clients need.
            other = next((each for each in data.agent if _covers(each, service)), None)
            if service in holders:
                continue
            if service is winner and other is not None:
                holders[service] = other
            else:
                missing.append(_missing(data, service, winner))
    return holders, missing


def _fit(service: ExpectedService, entry: Entry) -> tuple[bool, bool]:
    """How well an service fits the entry of its identifier: by the mark, else by the port."""
    return entry.short_id == service.short_id, entry.port == service.port


def _covers(entry: Entry, service: ExpectedService) -> bool:
    """Whether an entry under another identifier stands for the same port of the container."""
    if entry.short_id:
        same = entry.short_id == service.short_id
    else:
        same = bool(entry.maker) and entry.container == service.container
    return same and entry.port == service.port and entry.name == service.name


def _missing(data: AuditData, service: ExpectedService, winner: ExpectedService) -> Finding:
    """An service that the agent does not have."""
    detail = "the container requests it, the agent does not have it; only Registrator can add it"
    other = next((each for each in data.catalog if each.id == service.id), None)
    if winner is not service:
        detail = f"container {winner.container} has the same identifier"
    elif other is not None and other.node == data.node.name:
        detail = "the catalog has it, the agent does not: was the data of the agent lost?"
    elif other is not None:
        detail = f"the agent of {other.node} has it: is this the agent that Registrator uses?"
    return _finding_of_expected("missing", data, service, detail)


def _held(data: AuditData, service: ExpectedService, entry: Entry) -> list[Finding]:
    """What is wrong with the entry that stands for an service, at the agent or in the catalog."""
    found = _wrong(data, service, entry, entry, "")
    if found:
        return found
    copy = next((each for each in data.catalog if each.key == entry.key), None)
    if copy is None:
        detail = "the agent has it, the catalog does not: anti-entropy fails, or its ACL token does"
        return [_finding_of_expected("missing", data, service, detail)]
    return _wrong(data, service, copy, entry, "in the catalog ")


def _wrong(
    data: AuditData, service: ExpectedService, entry: Entry, remove: Entry, where: str
) -> list[Finding]:
    """Address and port of an entry that are not the container's."""
    pairs = []
    if service.addresses and entry.address not in service.addresses:
        pairs.append(("wrong_address", f"{where}should be {' or '.join(service.addresses)}"))
    if entry.port != service.port:
        pairs.append(("wrong_port", f"{where}should be {service.port}"))
    return [
        _finding_of_entry(kind, data, entry, f"{text}; {_RE_REGISTERED}", remove)
        for kind, text in pairs
    ]


def _gone(data: AuditData, entry: Entry) -> bool:
    """Whether the agent of an entry's node is known to be gone; no member was never one."""
    return entry.node != data.node.name and data.members.get(entry.node) in GONE


def _stale(data: AuditData, entry: Entry) -> list[Finding]:
    """What a dead node leaves behind as if it passed. Any Registrator's there is dead with it."""
    if not entry.passing or entry.name == _CONSUL:
        return []
    detail = f"the node's agent is {data.members[entry.node]}, the service's own checks pass"
    made = bool(entry.owner) or data.ours(entry)
    return [_finding_of_entry("stale_node", data, entry, detail, entry, mends=made)]


def _surplus(
    data: AuditData, entry: Entry, holders: t.Mapping[ExpectedService, Entry]
) -> list[Finding]:
    """An entry that stands for no service: a second one, a ghost, or somebody else's service."""
    local = entry.node == data.node.name
    ours = data.ours(entry)
    # Another host's Registrator may have the same name, by mistake: its own are at its address.
    here = bool(data.ip) and entry.address == data.ip
    for holder in holders.values():
        same = entry.name == holder.name and entry.place == holder.place and entry.port != 0
        if same and (local or not loopback(entry.address)):
            detail = f"the same as {holder.id} at {holder.node}"
            return [_finding_of_entry("duplicate", data, entry, detail, entry)]
        if ours and entry.id == holder.id and here and not local:
            detail = f"an earlier registration of {holder.id}, which is at {holder.node} now"
            return [_finding_of_entry("duplicate", data, entry, detail, entry)]
    at_agent = local and entry.id in {each.id for each in data.agent}
    if not at_agent and any(entry.id == each.id or _covers(entry, each) for each in data.expected):
        return []
    if not ours and not (entry.maker and here):
        return []
    running = entry.short_id in data.running or (
        not entry.short_id and entry.container in {service.container for service in data.expected}
    )
    detail = (
        "its container does not request this service" if running else "its container is not running"
    )
    if local and not at_agent:
        detail += ", and the agent does not have it"
    return [_finding_of_entry("ghost", data, entry, detail, entry, mends=ours and (local or here))]


def _finding_of_expected(
    kind: str, data: AuditData, service: ExpectedService, detail: str
) -> Finding:
    address = service.addresses[0] if service.addresses else data.ip
    node = data.node.name
    return Finding(
        kind, service.id, service.name, service.container, address, service.port, node, detail
    )


def _finding_of_entry(
    kind: str,
    data: AuditData,
    entry: Entry,
    detail: str,
    remove: Entry,
    *,
    mends: bool | None = None,
) -> Finding:
    """A finding about an entry; what is not ours to mend says so and removes nothing."""
    mine = data.ours(remove) if mends is None else mends
    return Finding(
        kind=kind,
        service_id=entry.id,
        name=entry.name,
        container=entry.container,
        address=entry.address,
        port=entry.port,
        node=entry.node,
        detail=detail
        if mine
        else f"{detail.partition('; ')[0]}; not registered by this Registrator: repair leaves it",
        remove=remove if mine else None,
    )
