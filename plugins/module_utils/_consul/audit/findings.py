# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""What a host runs against what Consul says of it: findings, and what mends them. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._base.plan import Diff
from ..._docker.expected_services import Offer
from ..catalog.instance import Node
from ..service.address import loopback

KINDS = ("ghost", "missing", "duplicate", "wrong_address", "wrong_port", "stale_node")
OWNER_META = "registrator-owner"
CONTAINER_META = "registrator-container"
GONE = ("failed", "left")
# The servers' own entry: no Registrator's work, and it goes with its node.
_CONSUL = "consul"
_UPSTREAM_ID = re.compile(r"(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]*):[0-9]+(?::udp)?")
_ANEW = "repair deregisters it, and Registrator's resync registers it anew"
_COLUMNS = ("kind", "service_id", "container", "address", "node", "detail")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A service as an agent or the catalog has it.

    `owner` and `short_id` are Registrator's marks, empty without. `passing` is whether its own
    checks pass, whatever its node's say: a dead node's keep the status they had.
    """

    id: str
    name: str
    address: str
    port: int
    node: str
    node_address: str = ""
    datacenter: str = ""
    owner: str = ""
    short_id: str = ""
    passing: bool = True

    @classmethod
    def from_agent(cls, entry: t.Mapping[str, t.Any], node: Node) -> Entry:
        """Read an entry of /v1/agent/services."""
        return cls(
            **_service(entry, node.address),
            node=node.name,
            node_address=node.address,
            datacenter=node.datacenter,
        )

    @classmethod
    def from_health(cls, entry: t.Mapping[str, t.Any]) -> Entry:
        """Read an entry of /v1/health/service/<name>."""
        node, service = entry["Node"], entry["Service"]
        own = [check for check in entry.get("Checks") or () if check.get("ServiceID")]
        return cls(
            **_service(service, node["Address"]),
            node=node["Node"],
            node_address=node["Address"],
            datacenter=node.get("Datacenter") or "",
            passing=all(check["Status"] == "passing" for check in own),
        )

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other one."""
        return self.node, self.id

    @property
    def place(self) -> tuple[str, int]:
        """Where clients are sent."""
        return self.address, self.port

    @property
    def maker(self) -> str:
        """The -hostname of the Registrator that registered it, empty where none did."""
        match = _UPSTREAM_ID.fullmatch(self.id)
        return self.owner or (match[1] if match else "")

    @property
    def container(self) -> str:
        """The container it stands for: its name by the identifier, else its short identifier."""
        match = _UPSTREAM_ID.fullmatch(self.id)
        return match[2] if match else self.short_id


@dataclasses.dataclass(frozen=True)
class Seen:
    """One look: what the containers ask for, what the agent has, what the catalog has.

    `running` are the short identifiers of all that runs, `members` the gossip's word on each node.
    """

    hostname: str
    node: Node
    ip: str = ""
    offers: tuple[Offer, ...] = ()
    running: frozenset[str] = frozenset()
    agent: tuple[Entry, ...] = ()
    catalog: tuple[Entry, ...] = ()
    members: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def ours(self, entry: Entry) -> bool:
        """Whether this host's Registrator registered it, under this name or an earlier one."""
        return entry.maker == self.hostname or bool(entry.owner and entry.short_id in self.running)

    def without(self, names: t.Collection[str]) -> Seen:
        """The same look, blind to the services of these names."""
        return dataclasses.replace(
            self,
            offers=tuple(offer for offer in self.offers if offer.name not in names),
            agent=tuple(entry for entry in self.agent if entry.name not in names),
            catalog=tuple(entry for entry in self.catalog if entry.name not in names),
        )


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; `remove` is what repair would deregister for it."""

    kind: str
    service_id: str
    name: str
    container: str
    address: str
    port: int
    node: str
    detail: str
    remove: Entry | None = dataclasses.field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding in the next look."""
        return self.kind, self.service_id, self.container, self.node

    def shown(self) -> dict[str, t.Any]:
        """The finding as the module returns it."""
        shown = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del shown["remove"]
        return {**shown, "repairable": self.remove is not None}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What repair deregisters, each once, and the findings that it leaves."""

    removals: tuple[Entry, ...] = ()
    left: tuple[Finding, ...] = ()

    @property
    def diff(self) -> Diff:
        """The one definition of `changed`: what is deregistered is there before, and then not."""
        before = {
            f"{entry.id} at {entry.node}": {
                "name": entry.name,
                "address": entry.address,
                "port": entry.port,
            }
            for entry in self.removals
        }
        return Diff({"services": before}, {"services": {}})

    def only(self, done: t.Collection[Entry]) -> Plan:
        """The part of the plan that was carried out."""
        removals = tuple(entry for entry in self.removals if entry in done)
        return dataclasses.replace(self, removals=removals)


def audit(seen: Seen) -> tuple[Finding, ...]:
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


def plan_repair(findings: t.Sequence[Finding]) -> Plan:
    """What to deregister for these findings; what cannot be mended so is left."""
    removals = {each.remove.key: each.remove for each in findings if each.remove is not None}
    left = tuple(each for each in findings if each.remove is None)
    return Plan(tuple(removals.values()), left)


def standing(
    findings: t.Sequence[Finding], before: t.Collection[tuple[str, str, str, str]] | None
) -> tuple[Finding, ...]:
    """Those that every look before had too: each gets the same time to pass by itself."""
    return tuple(each for each in findings if before is None or each.key in before)


def counts(findings: t.Sequence[Finding]) -> dict[str, int]:
    """How many of each kind, those without one too."""
    return {kind: sum(each.kind == kind for each in findings) for kind in KINDS}


def table(findings: t.Sequence[Finding]) -> list[str]:
    """The findings as lines with aligned columns."""
    if not findings:
        return ["clean"]
    rows = [tuple(column.upper() for column in _COLUMNS)]
    rows += [
        (
            each.kind,
            each.service_id,
            each.container or "-",
            f"{each.address or '?'}:{each.port}",
            each.node,
            each.detail,
        )
        for each in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def verdict(findings: t.Sequence[Finding]) -> str:
    """The findings as a sentence's part: `2 ghost, 1 missing`."""
    told = [f"{number} {kind}" for kind, number in counts(findings).items() if number]
    return ", ".join(told) or "clean"


def _service(entry: t.Mapping[str, t.Any], node_address: str) -> dict[str, t.Any]:
    """What agent and catalog call by the same names; a service without address has its node's."""
    meta = entry.get("Meta") or {}
    return {
        "id": entry["ID"],
        "name": entry["Service"],
        "address": entry.get("Address") or node_address,
        "port": entry.get("Port") or 0,
        "owner": meta.get(OWNER_META, ""),
        "short_id": meta.get(CONTAINER_META, ""),
    }


def _assign(seen: Seen) -> tuple[dict[Offer, Entry], list[Finding]]:
    """Which entry of the agent stands for which offer, and the offers that have none."""
    holders: dict[Offer, Entry] = {}
    missing = []
    rivals: dict[str, list[Offer]] = {}
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


def _fit(offer: Offer, entry: Entry) -> tuple[bool, bool]:
    """How well an offer fits the entry of its identifier: by the mark, else by the port."""
    return entry.short_id == offer.short_id, entry.port == offer.port


def _covers(entry: Entry, offer: Offer) -> bool:
    """Whether an entry under another identifier stands for the same port of the container."""
    if entry.short_id:
        same = entry.short_id == offer.short_id
    else:
        same = bool(entry.maker) and entry.container == offer.container
    return same and entry.port == offer.port and entry.name == offer.name


def _missing(seen: Seen, offer: Offer, winner: Offer) -> Finding:
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


def _held(seen: Seen, offer: Offer, entry: Entry) -> list[Finding]:
    """What is wrong with the entry that stands for an offer, at the agent or in the catalog."""
    found = _wrong(seen, offer, entry, entry, "")
    if found:
        return found
    copy = next((each for each in seen.catalog if each.key == entry.key), None)
    if copy is None:
        detail = "the agent has it, the catalog does not: anti-entropy or the token fails"
        return [_of_offer("missing", seen, offer, detail)]
    return _wrong(seen, offer, copy, entry, "in the catalog ")


def _wrong(seen: Seen, offer: Offer, entry: Entry, remove: Entry, where: str) -> list[Finding]:
    """Address and port of an entry that are not the container's."""
    pairs = []
    if offer.addresses and entry.address not in offer.addresses:
        pairs.append(("wrong_address", f"{where}should be {' or '.join(offer.addresses)}"))
    if entry.port != offer.port:
        pairs.append(("wrong_port", f"{where}should be {offer.port}"))
    return [_of_entry(kind, seen, entry, f"{text}; {_ANEW}", remove) for kind, text in pairs]


def _gone(seen: Seen, entry: Entry) -> bool:
    """Whether the agent of an entry's node is known to be gone; no member was never one."""
    return entry.node != seen.node.name and seen.members.get(entry.node) in GONE


def _stale(seen: Seen, entry: Entry) -> list[Finding]:
    """What a dead node leaves behind as if it passed. Any Registrator's there is dead with it."""
    if not entry.passing or entry.name == _CONSUL:
        return []
    detail = f"the node's agent is {seen.members[entry.node]}, the service's own checks pass"
    made = bool(entry.owner) or seen.ours(entry)
    return [_of_entry("stale_node", seen, entry, detail, entry, mends=made)]


def _surplus(seen: Seen, entry: Entry, holders: t.Mapping[Offer, Entry]) -> list[Finding]:
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


def _of_offer(kind: str, seen: Seen, offer: Offer, detail: str) -> Finding:
    address = offer.addresses[0] if offer.addresses else seen.ip
    node = seen.node.name
    return Finding(kind, offer.id, offer.name, offer.container, address, offer.port, node, detail)


def _of_entry(
    kind: str, seen: Seen, entry: Entry, detail: str, remove: Entry, *, mends: bool | None = None
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
