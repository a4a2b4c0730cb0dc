# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads Consul's answers into nodes with their service instances. No I/O."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..transport.errors import ConsulError
from .model import CatalogNode, ServiceInstance, worst


@dataclasses.dataclass(frozen=True)
class CatalogAnswers:
    """What a datacenter answered.

    `checks` are those of nodes, not of services; `services` the instances of each wanted service
    with all their checks; `servers` the instances of Consul's own service.
    """

    nodes: t.Sequence[t.Mapping[str, t.Any]]
    checks: t.Sequence[t.Mapping[str, t.Any]] = ()
    services: t.Sequence[t.Sequence[t.Mapping[str, t.Any]]] = ()
    servers: t.Sequence[t.Mapping[str, t.Any]] = ()


def nodes_of(answers: CatalogAnswers) -> tuple[CatalogNode, ...]:
    """The nodes that a datacenter's answers describe, by name."""
    try:
        return tuple(sorted(_read(answers), key=lambda node: node.name))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConsulError(
            f"reading the catalog: the answer is not from Consul ({error!r}). Check that the "
            "address is that of a Consul agent"
        ) from error


def _read(answers: CatalogAnswers) -> t.Iterator[CatalogNode]:
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
        yield CatalogNode(
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


def _instance(entry: t.Mapping[str, t.Any]) -> ServiceInstance:
    """An entry of /v1/health/service; without an address of its own it has its node's."""
    service = entry["Service"]
    tagged = service.get("TaggedAddresses") or {}
    return ServiceInstance(
        id=service["ID"],
        name=service["Service"],
        address=service.get("Address") or entry["Node"]["Address"],
        port=int(service.get("Port") or 0),
        tags=tuple(service.get("Tags") or ()),
        meta=dict(service.get("Meta") or {}),
        tagged_addresses={kind: each["Address"] for kind, each in tagged.items()},
        status=worst(check["Status"] for check in entry["Checks"]),
    )
