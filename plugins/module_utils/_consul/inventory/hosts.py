# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A catalog as an inventory: Consul's answers go in, hosts with groups and variables come out.

Who registers a service writes names, tags and metadata into the catalog. Nothing of that is taken
for a name or an address of Ansible's before it was checked. No I/O.
"""

from __future__ import annotations

import collections
import dataclasses
import fnmatch
import hashlib
import ipaddress
import re
import typing as t

from ..transport.errors import ConsulError

GROUPS = ("service", "tag", "datacenter", "health", "role")
NAMES = ("instance", "node", "address", "lan", "wan", "id")
# Ansible's own names: a host that takes one changes what a play on the controller or on all means.
RESERVED = frozenset({"localhost", "127.0.0.1", "all", "ungrouped"})
_STATUSES = ("passing", "warning", "critical")
_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PATTERN = re.compile(r"[*?\[]")

Texts = t.Mapping[str, str]


class InventoryError(Exception):
    """An option that cannot be meant."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """One service at one node; `status` is the worst of its checks and its node's."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...]
    meta: Texts
    tagged_addresses: Texts
    status: str

    def shown(self) -> dict[str, t.Any]:
        """The instance as host variables have it."""
        values = dataclasses.asdict(self)
        del values["tagged_addresses"]
        return {**values, "tags": list(self.tags)}


@dataclasses.dataclass(frozen=True)
class Node:
    """One node with its instances; `status` is the worst of the node's own checks."""

    name: str
    id: str
    address: str
    datacenter: str
    meta: Texts
    tagged_addresses: Texts
    role: str
    status: str
    instances: tuple[Instance, ...] = ()

    def plain(self) -> dict[str, t.Any]:
        """The node as a cache keeps it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: t.Mapping[str, t.Any]) -> Node:
        """The node that a cache kept."""
        instances = (Instance(**{**e, "tags": tuple(e["tags"])}) for e in plain["instances"])
        return cls(**{**plain, "instances": tuple(instances)})


@dataclasses.dataclass(frozen=True)
class Filters:
    """Which part of the catalog is wanted. Names may be shell patterns."""

    services: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    datacenters: tuple[str, ...] = ()
    passing_only: bool = False
    node_expression: str = ""
    service_expression: str = ""

    @classmethod
    def from_option(cls, option: t.Mapping[str, t.Any]) -> Filters:
        """Read the option; a filter that does not exist must not let every host through."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(map(str, set(option) - set(fields)))
        if unknown:
            raise InventoryError(
                f"'filters' has no {', '.join(unknown)}: give some of {', '.join(fields)}"
            )
        return cls(**{key: _typed(key, value, fields[key]) for key, value in option.items()})

    def select(self, nodes: t.Iterable[Node]) -> tuple[Node, ...]:
        """What is left; a node without a wanted instance goes where instances were asked for."""
        narrowed = bool(self.services or self.tags or self.service_expression)
        kept = (
            dataclasses.replace(node, instances=tuple(filter(self._keeps, node.instances)))
            for node in nodes
            if (not self.nodes or matching([node.name], self.nodes))
            and (not self.passing_only or node.status == "passing")
        )
        return tuple(node for node in kept if node.instances or not narrowed)

    def _keeps(self, instance: Instance) -> bool:
        return (
            (not self.services or bool(matching([instance.name], self.services)))
            and all(matching(instance.tags, [wanted]) for wanted in self.tags)
            and (not self.passing_only or instance.status == "passing")
        )


@dataclasses.dataclass(frozen=True)
class Shape:
    """How the inventory is to look; `taken` are names that others have."""

    hosts: tuple[str, ...] = ("nodes",)
    hostnames: tuple[str, ...] = ("instance", "node")
    ansible_host: str = "address"
    group_by: tuple[str, ...] = GROUPS
    group_prefix: str = "consul_"
    taken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse names of hosts that nothing has."""
        for name in self.hostnames:
            if name not in NAMES and not name.startswith("meta."):
                raise InventoryError(
                    f"'hostnames' has {name!r}: give some of {', '.join(NAMES)} and meta.KEY"
                )


@dataclasses.dataclass(frozen=True)
class Host:
    """One host of the inventory."""

    name: str
    variables: t.Mapping[str, t.Any]
    groups: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Inventory:
    """All hosts, and what could not be taken as it is."""

    hosts: tuple[Host, ...]
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a datacenter answered.

    `checks` are those of nodes, not of services; `services` the instances of each wanted service
    with all their checks; `servers` the instances of Consul's own service.
    """

    nodes: t.Sequence[t.Mapping[str, t.Any]]
    checks: t.Sequence[t.Mapping[str, t.Any]] = ()
    services: t.Sequence[t.Sequence[t.Mapping[str, t.Any]]] = ()
    servers: t.Sequence[t.Mapping[str, t.Any]] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class _Subject:
    """What becomes a host: a node, or an instance at it. No two are equal."""

    node: Node
    instance: Instance | None = None

    def address(self, kind: str) -> str:
        """An address of some kind, the plain one where there is none of this kind."""
        owner = self.instance or self.node
        tagged = owner.tagged_addresses
        return tagged.get(kind) or tagged.get(f"{kind}_ipv4") or owner.address

    def named(self, preference: str) -> str:
        """The name that a preference gives, "" for none."""
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
        """A name with all that tells it from others."""
        own = (self.instance.id,) if self.instance else ()
        return ".".join((*own, self.node.name, self.node.datacenter))

    def digest(self) -> str:
        """A name that no other has, where the full one is another's as well."""
        own = self.instance.id if self.instance else None
        identity = repr((own, self.node.name, self.node.datacenter))
        return f"{self.full()}.{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def matching(names: t.Iterable[str], patterns: t.Iterable[str]) -> list[str]:
    """The names that are among the patterns, in their order."""
    wanted = tuple(patterns)
    return [name for name in names if any(fnmatch.fnmatchcase(name, each) for each in wanted)]


def exact(patterns: t.Iterable[str]) -> bool:
    """Whether these are names rather than patterns: then nobody needs to ask which there are."""
    return not any(map(_PATTERN.search, patterns))


def nodes_of(answers: Answers) -> tuple[Node, ...]:
    """The nodes that a datacenter's answers describe, by name."""
    try:
        return tuple(sorted(_read(answers), key=lambda node: node.name))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConsulError(
            f"reading the catalog: the answer is not Consul's ({error!r}). Check that the address "
            "is that of a Consul agent"
        ) from error


def build(nodes: t.Sequence[Node], shape: Shape) -> Inventory:
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
    """Whether SSH may be called with it: an IP address or a host name, and never an option."""
    if _HOST_NAME.fullmatch(text):
        return True
    try:
        # A zone may hold anything.
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def safe_host_name(text: str) -> str:
    """A name that host patterns can hold, "" where nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip("-.")


def safe_group_name(text: str) -> str:
    """A name that is a variable's too, as Ansible wants it of groups."""
    return re.sub(r"^(?=\d)|[^A-Za-z0-9_]", "_", text)


def worst(statuses: t.Iterable[str]) -> str:
    """The worst status, passing where there is none, as Consul counts it."""
    ranks = [_STATUSES.index(each) if each in _STATUSES else 2 for each in statuses]
    return _STATUSES[max(ranks, default=0)]


def _typed(key: str, value: t.Any, field: dataclasses.Field[t.Any]) -> t.Any:
    """A filter's value in its type; one name stands for a list of one."""
    if field.default == ():
        values = [value] if isinstance(value, str) else value
        if isinstance(values, (list, tuple)) and all(isinstance(each, str) for each in values):
            return tuple(values)
        raise InventoryError(f"'filters.{key}' is a list of texts, not {value!r}")
    kind = type(field.default)
    if not isinstance(value, kind):
        noun = "true or false" if kind is bool else "a text"
        raise InventoryError(f"'filters.{key}' is {noun}, not {value!r}")
    return value


def _read(answers: Answers) -> t.Iterator[Node]:
    statuses = collections.defaultdict(list)
    for check in answers.checks:
        if not check["ServiceID"]:
            statuses[check["Node"]].append(check["Status"])
    instances = collections.defaultdict(list)
    for service in answers.services:
        for entry in service:
            instances[entry["Node"]["Node"]].append(_instance(entry))
    servers = {entry["Node"]["Node"] for entry in answers.servers}
    for entry in answers.nodes:
        name = entry["Node"]
        yield Node(
            name=name,
            id=entry.get("ID") or "",
            address=entry["Address"],
            datacenter=entry["Datacenter"],
            meta=dict(entry.get("Meta") or {}),
            tagged_addresses=dict(entry.get("TaggedAddresses") or {}),
            role="server" if name in servers else "client",
            status=worst(statuses[name]),
            instances=tuple(sorted(instances[name], key=lambda each: (each.name, each.id))),
        )


def _instance(entry: t.Mapping[str, t.Any]) -> Instance:
    """An entry of /v1/health/service; without an address of its own it has its node's."""
    service = entry["Service"]
    tagged = service.get("TaggedAddresses") or {}
    return Instance(
        id=service["ID"],
        name=service["Service"],
        address=service.get("Address") or entry["Node"]["Address"],
        port=int(service.get("Port") or 0),
        tags=tuple(service.get("Tags") or ()),
        meta=dict(service.get("Meta") or {}),
        tagged_addresses={kind: each["Address"] for kind, each in tagged.items()},
        status=worst(check["Status"] for check in entry["Checks"]),
    )


def _names(
    subjects: t.Sequence[_Subject], preferences: t.Sequence[str], taken: frozenset[str]
) -> dict[_Subject, str]:
    """A name for each: its first one that nobody else wants.

    A name that two want goes to neither: nobody takes another's name by registering early.
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
    """What is known of a host."""
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


def _instances(subject: _Subject) -> tuple[Instance, ...]:
    return (subject.instance,) if subject.instance else subject.node.instances


def _health(subject: _Subject) -> str:
    """The worst of the node and the instances that the inventory shows."""
    return worst((subject.node.status, *(each.status for each in _instances(subject))))
