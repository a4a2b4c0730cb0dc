# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The hosts of an inventory: their names, groups and variables. No I/O.

A client that may register a service writes names, tags and metadata into the catalog. None of them
becomes a name or an address in Ansible before it was validated.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import ipaddress
import re
import typing as t

from .model import CatalogNode, InventoryError, ServiceInstance, worst

GROUPS = ("service", "tag", "datacenter", "health", "role")
NAMES = ("instance", "node", "address", "lan", "wan", "id")
# Reserved by Ansible: a host of such a name would change the targets of plays.
RESERVED = frozenset({"localhost", "127.0.0.1", "all", "ungrouped"})
_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True)
class Shape:
    """The options for hosts and groups; `taken` are names that already exist."""

    hosts: tuple[str, ...] = ("nodes",)
    hostnames: tuple[str, ...] = ("instance", "node")
    ansible_host: str = "address"
    group_by: tuple[str, ...] = GROUPS
    group_prefix: str = "consul_"
    taken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse an unknown source of host names."""
        for name in self.hostnames:
            if name not in NAMES and not name.startswith("meta."):
                raise InventoryError(
                    f"'hostnames' has {name!r}: use {', '.join(NAMES)} and meta.KEY"
                )


@dataclasses.dataclass(frozen=True)
class Host:
    """One host of the inventory."""

    name: str
    variables: t.Mapping[str, t.Any]
    groups: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Inventory:
    """All hosts, and warnings about values that were left out."""

    hosts: tuple[Host, ...]
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class _Subject:
    """A node, or an instance on it, that becomes a host. No two are equal."""

    node: CatalogNode
    instance: ServiceInstance | None = None

    def address(self, kind: str) -> str:
        """The address of a kind, the default one if there is none of this kind."""
        owner = self.instance or self.node
        tagged = owner.tagged_addresses
        return tagged.get(kind) or tagged.get(f"{kind}_ipv4") or owner.address

    def named(self, preference: str) -> str:
        """The name from a source of `hostnames`, "" for none."""
        if preference == "node":
            return self.node.name
        if preference == "instance":
            return f"{self.instance.id}.{self.node.name}" if self.instance else ""
        if preference == "id":
            return (self.instance or self.node).id
        if preference.startswith("meta."):
            return (self.instance or self.node).meta.get(preference[len("meta.") :], "")
        return self.address(preference)

    def full(self) -> str:
        """The name with instance, node and datacenter."""
        own = (self.instance.id,) if self.instance else ()
        return ".".join((*own, self.node.name, self.node.datacenter))

    def digest(self) -> str:
        """A unique name, for a full name that occurs twice."""
        own = self.instance.id if self.instance else None
        identity = repr((own, self.node.name, self.node.datacenter))
        return f"{self.full()}.{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def build(nodes: t.Sequence[CatalogNode], shape: Shape) -> Inventory:
    """The hosts of an inventory of this shape."""
    subjects = []
    for node in nodes:
        if "nodes" in shape.hosts:
            subjects.append(_Subject(node))
        if "instances" in shape.hosts:
            subjects += [_Subject(node, instance) for instance in node.instances]
    groups = {subject: _groups(subject, shape) for subject in subjects}
    taken = shape.taken.union(RESERVED, *groups.values())
    hosts, warnings = [], []
    for subject, name in _names(subjects, shape.hostnames, taken).items():
        variables = _variables(subject)
        address = "" if shape.ansible_host == "none" else subject.address(shape.ansible_host)
        if is_address(address):
            variables["ansible_host"] = address
        elif shape.ansible_host != "none":
            warnings.append(
                f"{name} has no usable address: {address!r} is neither an IP address nor a host "
                "name, so ansible_host is not set"
            )
        hosts.append(Host(name, variables, groups[subject]))
    return Inventory(tuple(hosts), tuple(warnings))


def is_address(text: str) -> bool:
    """Whether it is safe as an argument of ssh: an IP address or a host name, never an option."""
    if _HOST_NAME.fullmatch(text):
        return True
    try:
        # A zone index may contain any character.
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def safe_host_name(text: str) -> str:
    """A name that is valid in host patterns, "" if nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip("-.")


def safe_group_name(text: str) -> str:
    """A name that is also a valid variable name, as Ansible requires for groups."""
    return re.sub(r"^(?=\d)|[^A-Za-z0-9_]", "_", text)


def _names(
    subjects: t.Sequence[_Subject], preferences: t.Sequence[str], taken: frozenset[str]
) -> dict[_Subject, str]:
    """A unique name for each, from its first source without a conflict.

    A name that two would have goes to neither: early registration must not win a name.
    """
    ways: list[t.Callable[[_Subject], str]] = [
        *(lambda subject, way=way: subject.named(way) for way in preferences),
        _Subject.full,
        _Subject.digest,
    ]
    names: dict[_Subject, str] = {}
    used = set(taken)
    for way in ways:
        wanted = {each: safe_host_name(way(each)) for each in subjects if each not in names}
        counts = collections.Counter(wanted.values())
        fresh = {
            subject: name
            for subject, name in wanted.items()
            if name and counts[name] == 1 and name not in used and name.lower() not in RESERVED
        }
        names.update(fresh)
        used.update(fresh.values())
    return {subject: names[subject] for subject in subjects}


def _groups(subject: _Subject, shape: Shape) -> tuple[str, ...]:
    """The groups of a host, in the order of their kinds."""
    instances = _instances(subject)
    values: dict[str, t.Iterable[str]] = {
        "service": sorted({each.name for each in instances}),
        "tag": sorted({tag for each in instances for tag in each.tags if tag}),
        "datacenter": [subject.node.datacenter],
        "health": [_health(subject)],
        "role": [subject.node.role],
    }
    return tuple(
        safe_group_name(f"{shape.group_prefix}{kind}_{value}")
        for kind in shape.group_by
        for value in values[kind]
    )


def _variables(subject: _Subject) -> dict[str, t.Any]:
    """The variables of a host."""
    node, instance = subject.node, subject.instance
    return {
        "consul_node": node.name,
        "consul_node_id": node.id,
        "consul_address": subject.address("address"),
        "consul_tagged_addresses": dict((instance or node).tagged_addresses),
        "consul_datacenter": node.datacenter,
        "consul_role": node.role,
        "consul_health": _health(subject),
        "consul_meta": dict(node.meta),
        "consul_services": [each.shown() for each in _instances(subject)],
        **({"consul_service": instance.shown()} if instance else {}),
    }


def _instances(subject: _Subject) -> tuple[ServiceInstance, ...]:
    return (subject.instance,) if subject.instance else subject.node.instances


def _health(subject: _Subject) -> str:
    """The worst of the node and the instances that the inventory shows."""
    return worst((subject.node.status, *(each.status for each in _instances(subject))))
