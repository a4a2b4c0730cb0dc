"""The targets of a fault: hosts, their instances and addresses. Pure.

A host's instances are those that answer with its name, those at its address, and those that the
catalog lists for the node of its name. Its address comes from the mark, or else from what the
calm traffic and the members show. A mark whose address has a port means that one instance alone.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable

from ..history.records import Instance, Mark, MembersEvent, RaftEvent, Request

_BETWEEN_ATTEMPTS = re.compile(r"\s*,\s*|\s+:\s+")


def attempts(request: Request) -> list[str]:
    """The addresses with ports that the balancer tried, in order; the last one answered."""
    return _BETWEEN_ATTEMPTS.split(request.backend) if request.backend else []


def split(address: str) -> tuple[str, str]:
    """An address without its port, and the port, empty where there is none."""
    if address.startswith("["):
        host, _bracket, port = address[1:].partition("]")
        return host, port.removeprefix(":")
    if address.count(":") == 1:
        host, _colon, port = address.partition(":")
        return host, port
    return address, ""


@dataclasses.dataclass(frozen=True)
class Target:
    """One host or one instance that a fault hits; `host` is empty for an instance alone."""

    name: str
    host: str
    addresses: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()

    def routed(self, request: Request) -> bool:
        """Whether the request was answered by it, or tried at it."""
        return self.answered(request) or any(self._at(attempt) for attempt in attempts(request))

    def answered(self, request: Request) -> bool:
        """Whether it answered the request."""
        if request.error is not None:
            return False
        if self.host and request.instance == self.host:
            return True
        tried = attempts(request)
        return bool(tried) and self._at(tried[-1])

    def lists(self, instance: Instance) -> bool:
        """Whether this instance in the catalog is one of it."""
        return (
            (bool(self.host) and instance.node == self.host)
            or instance.address in self.addresses
            or f"{instance.address}:{instance.port}" in self.endpoints
        )

    def runs(self, agent: str, raft: RaftEvent | None) -> bool:
        """Whether the agent at this URL runs on it, and so fails with it."""
        if not self.host:
            return False
        known = {split(urllib.parse.urlsplit(agent).netloc)[0]}
        known |= {raft.address} if raft and raft.address else set()
        return bool(known & self.addresses) or (raft is not None and raft.node == self.host)

    def _at(self, attempt: str) -> bool:
        return attempt in self.endpoints or split(attempt)[0] in self.addresses


@dataclasses.dataclass(frozen=True)
class Topology:
    """The addresses of each host: those at which only its instances answer."""

    addresses: dict[str, frozenset[str]]
    endpoints: dict[str, frozenset[str]]

    @classmethod
    def learn(cls, requests: Iterable[Request], members: Iterable[MembersEvent]) -> Topology:
        """Learn the addresses from X-Backend and from the members."""
        by_traffic: dict[str, set[str]] = defaultdict(set)
        by_members: dict[str, set[str]] = defaultdict(set)
        single: dict[str, set[str]] = defaultdict(set)
        for request in requests:
            tried = attempts(request)
            if request.error is None and request.instance and tried:
                by_traffic[split(tried[-1])[0]].add(request.instance)
                single[tried[-1]].add(request.instance)
        for seen in members:
            for member in seen.members or ():
                by_members[member.address].add(member.name)
        # Apart: a node may bear another name than its instances, at the same address.
        return cls(_by_owner(by_traffic, by_members), _by_owner(single))


def targets(mark: Mark, topology: Topology) -> list[Target]:
    """The targets of the mark's fault."""
    found = []
    pairs = list(zip(mark.hosts, mark.addresses, strict=False))
    pairs += [(host, "") for host in mark.hosts[len(pairs) :]]
    pairs += [("", address) for address in mark.addresses[len(pairs) :]]
    for host, address in pairs:
        bare, port = split(address)
        if port:
            found.append(Target(address, "", endpoints=frozenset({address})))
        elif address and not host:
            found.append(Target(bare, "", addresses=frozenset({bare})))
        else:
            known = frozenset({bare}) if bare else topology.addresses.get(host, frozenset())
            # Only where hosts share an address do single instances distinguish them.
            single = frozenset() if known else topology.endpoints.get(host, frozenset())
            found.append(Target(host, host, known, single))
    return found


def _by_owner(*sources: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    """The addresses of each name, without those that a source gives to several."""
    found: dict[str, set[str]] = defaultdict(set)
    for owners in sources:
        for address, names in owners.items():
            if len(names) == 1:
                found[next(iter(names))].add(address)
    return {name: frozenset(addresses) for name, addresses in found.items()}
