# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The data of an audit: what runs, what is registered, and a finding. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._docker.expected_services import ExpectedService
from ..catalog.instance import AgentNode

KINDS = ("ghost", "missing", "duplicate", "wrong_address", "wrong_port", "stale_node")
OWNER_META = "registrator-owner"
CONTAINER_META = "registrator-container"
GONE = ("failed", "left")
_UPSTREAM_ID = re.compile(r"(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]*):[0-9]+(?::udp)?")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A service registration at an agent or in the catalog.

    `owner` and `short_id` come from Registrator's metadata. `passing` is whether its own checks
    pass, without those of its node: the checks of a dead node keep their last status.
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
    def from_agent(cls, entry: t.Mapping[str, t.Any], node: AgentNode) -> Entry:
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
        """The identity of the registration."""
        return self.node, self.id

    @property
    def place(self) -> tuple[str, int]:
        """The address and port for clients."""
        return self.address, self.port

    @property
    def maker(self) -> str:
        """The -hostname of the Registrator that registered it, empty if none did."""
        match = _UPSTREAM_ID.fullmatch(self.id)
        return self.owner or (match[1] if match else "")

    @property
    def container(self) -> str:
        """The container of the service: the name in its identifier, else its short identifier."""
        match = _UPSTREAM_ID.fullmatch(self.id)
        return match[2] if match else self.short_id


@dataclasses.dataclass(frozen=True)
class AuditData:
    """The expected services of the containers, those of the agent and those of the catalog.

    `running` are the short identifiers of the running containers, `members` the gossip status of
    each node.
    """

    hostname: str
    node: AgentNode
    ip: str = ""
    expected: tuple[ExpectedService, ...] = ()
    running: frozenset[str] = frozenset()
    agent: tuple[Entry, ...] = ()
    catalog: tuple[Entry, ...] = ()
    members: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def ours(self, entry: Entry) -> bool:
        """Whether this host's Registrator registered it, under this name or an earlier one."""
        return entry.maker == self.hostname or bool(entry.owner and entry.short_id in self.running)

    def without(self, names: t.Collection[str]) -> AuditData:
        """The same data without the services of these names."""
        return dataclasses.replace(
            self,
            expected=tuple(service for service in self.expected if service.name not in names),
            agent=tuple(entry for entry in self.agent if entry.name not in names),
            catalog=tuple(entry for entry in self.catalog if entry.name not in names),
        )


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem; `remove` is the registration that repair would remove for it."""

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
        """The identity of the finding in repeated audits."""
        return self.kind, self.service_id, self.container, self.node

    def shown(self) -> dict[str, t.Any]:
        """The finding as the module returns it."""
        shown = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del shown["remove"]
        return {**shown, "repairable": self.remove is not None}


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
