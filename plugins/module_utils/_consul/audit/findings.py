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

# The servers' own entry: no Registrator's work, and it goes with its node.
_CONSUL = "consul"
_ANEW = "repair deregisters it, and Registrator's resync registers it anew"


def audit(seen: AuditData) -> tuple[Finding, ...]:
    """Every finding of one look, at most one kind for each wrong thing, in a stable order."""
    holders, missing = _assign(seen)
    held = {entry.key for entry in holders.values()}
    found = [*missing]
    for offer, entry in holders.items():
        found += _held(seen, offer, entry)
    here = {entry.id for entry in seen.agent}
    rest = [entry for entry in seen.agent if entry.key not in held]
    for entry in seen.catalog:
        if _gone(seen, entry):
            found += _stale(seen, entry)
        elif entry.node != seen.node.name or entry.id not in here:
            rest.append(entry)
    for entry in rest:
        found += _surplus(seen, entry, holders)
    order = {kind: number for number, kind in enumerate(KINDS)}
    return tuple(sorted(found, key=lambda each: (order[each.kind], each.key)))


def persistent(
    findings: t.Sequence[Finding], before: t.Collection[tuple[str, str, str, str]] | None
) -> tuple[Finding, ...]:
    """Those that every look before had too: each gets the same time to pass by itself."""
    return tuple(each for each in findings if before is None or each.key in before)


def _assign(seen: AuditData) -> tuple[dict[ExpectedService, Entry], list[Finding]]:
    """Which entry of the agent stands for which offer, and the offers that have none."""
    holders: dict[ExpectedService, Entry] = {}
    missing = []
    rivals: dict[str, list[ExpectedService]] = {}
    for offer in sorted(seen.offers, key=lambda offer: (offer.id, offer.short_id)):
        rivals.setdefault(offer.id, []).append(offer)
    for identifier, offers in rivals.items():
        entry = next((each for each in seen.agent if each.id == identifier), None)
        winner = offers[0]
        if entry is not None:
            winner = max(offers, key=lambda offer: _fit(offer, entry))
            holders[winner] = entry
        for offer in offers:
            # A Registrator of another name may hold it: the service is what clients need.
            other = next((each for each in seen.agent if _covers(each, offer)), None)
            if offer in holders:
                continue
            if offer is winner and other is not None:
                holders[offer] = other
            else:
                missing.append(_missing(seen, offer, winner))
    return holders, missing


def _fit(offer: ExpectedService, entry: Entry) -> tuple[bool, bool]:
    """How well an offer fits the entry of its identifier: by the mark, else by the port."""
    return entry.short_id == offer.short_id, entry.port == offer.port


def _covers(entry: Entry, offer: ExpectedService) -> bool:
    """Whether an entry under another identifier stands for the same port of the container."""
    if entry.short_id:
        same = entry.short_id == offer.short_id
    else:
        same = bool(entry.maker) and entry.container == offer.container
    return same and entry.port == offer.port and entry.name == offer.name


def _missing(seen: AuditData, offer: ExpectedService, winner: ExpectedService) -> Finding:
    """An offer that the agent does not have."""
    detail = "the container asks for it, the agent does not have it; only Registrator can add it"
    other = next((each for each in seen.catalog if each.id == offer.id), None)
    if winner is not offer:
        detail = f"container {winner.container} wants the same identifier"
    elif other is not None and other.node == seen.node.name:
        detail = "the catalog has it, the agent does not: was the agent's data lost?"
    elif other is not None:
        detail = f"the agent of {other.node} has it: is this the agent that Registrator uses?"
    return _of_offer("missing", seen, offer, detail)


def _held(seen: AuditData, offer: ExpectedService, entry: Entry) -> list[Finding]:
    """What is wrong with the entry that stands for an offer, at the agent or in the catalog."""
    found = _wrong(seen, offer, entry, entry, "")
    if found:
        return found
    copy = next((each for each in seen.catalog if each.key == entry.key), None)
    if copy is None:
        detail = "the agent has it, the catalog does not: anti-entropy or the token fails"
        return [_of_offer("missing", seen, offer, detail)]
    return _wrong(seen, offer, copy, entry, "in the catalog ")


def _wrong(
    seen: AuditData, offer: ExpectedService, entry: Entry, remove: Entry, where: str
) -> list[Finding]:
    """Address and port of an entry that are not the container's."""
    pairs = []
    if offer.addresses and entry.address not in offer.addresses:
        pairs.append(("wrong_address", f"{where}should be {' or '.join(offer.addresses)}"))
    if entry.port != offer.port:
        pairs.append(("wrong_port", f"{where}should be {offer.port}"))
    return [_of_entry(kind, seen, entry, f"{text}; {_ANEW}", remove) for kind, text in pairs]


def _gone(seen: AuditData, entry: Entry) -> bool:
    """Whether the agent of an entry's node is known to be gone; no member was never one."""
    return entry.node != seen.node.name and seen.members.get(entry.node) in GONE


def _stale(seen: AuditData, entry: Entry) -> list[Finding]:
    """What a dead node leaves behind as if it passed. Any Registrator's there is dead with it."""
    if not entry.passing or entry.name == _CONSUL:
        return []
    detail = f"the node's agent is {seen.members[entry.node]}, the service's own checks pass"
    made = bool(entry.owner) or seen.ours(entry)
    return [_of_entry("stale_node", seen, entry, detail, entry, mends=made)]


def _surplus(
    seen: AuditData, entry: Entry, holders: t.Mapping[ExpectedService, Entry]
) -> list[Finding]:
    """An entry that stands for no offer: a second one, a ghost, or somebody else's service."""
    local = entry.node == seen.node.name
    ours = seen.ours(entry)
    # Another host's Registrator may have the same name, by mistake: its own are at its address.
    here = bool(seen.ip) and entry.address == seen.ip
    for holder in holders.values():
        same = entry.name == holder.name and entry.place == holder.place and entry.port != 0
        if same and (local or not loopback(entry.address)):
            detail = f"the same as {holder.id} at {holder.node}"
            return [_of_entry("duplicate", seen, entry, detail, entry)]
        if ours and entry.id == holder.id and here and not local:
            detail = f"an older {holder.id}, which is at {holder.node} now"
            return [_of_entry("duplicate", seen, entry, detail, entry)]
    at_agent = local and entry.id in {each.id for each in seen.agent}
    if not at_agent and any(entry.id == each.id or _covers(entry, each) for each in seen.offers):
        return []
    if not ours and not (entry.maker and here):
        return []
    running = entry.short_id in seen.running or (
        not entry.short_id and entry.container in {offer.container for offer in seen.offers}
    )
    detail = "its container asks for no such service" if running else "no such container runs"
    if local and not at_agent:
        detail += ", and the agent does not have it"
    return [_of_entry("ghost", seen, entry, detail, entry, mends=ours and (local or here))]


def _of_offer(kind: str, seen: AuditData, offer: ExpectedService, detail: str) -> Finding:
    address = offer.addresses[0] if offer.addresses else seen.ip
    node = seen.node.name
    return Finding(kind, offer.id, offer.name, offer.container, address, offer.port, node, detail)


def _of_entry(
    kind: str,
    seen: AuditData,
    entry: Entry,
    detail: str,
    remove: Entry,
    *,
    mends: bool | None = None,
) -> Finding:
    """A finding about an entry; what is not ours to mend says so and removes nothing."""
    mine = seen.ours(remove) if mends is None else mends
    return Finding(
        kind=kind,
        service_id=entry.id,
        name=entry.name,
        container=entry.container,
        address=entry.address,
        port=entry.port,
        node=entry.node,
        detail=detail if mine else f"{detail.partition('; ')[0]}; not ours: repair leaves it",
        remove=remove if mine else None,
    )
