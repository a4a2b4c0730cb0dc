# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads agent, catalog, health and members, and deregisters services. Raises ConsulError."""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalog.instance import AgentNode, CatalogInstance
from ..catalog.node_agent import AGENT_URL_TEMPLATE, agent_of, agent_url, node_of
from ..cluster.model import Member
from ..transport.client import Connection, ConsulClient
from ..transport.errors import RequestRefused, Unreachable
from .model import GONE, Entry


@dataclasses.dataclass(frozen=True)
class ConsulData:
    """What Consul reports at one moment."""

    node: AgentNode
    agent: tuple[Entry, ...]
    catalog: tuple[Entry, ...]
    members: t.Mapping[str, str]


class AuditClient:
    """One agent, and through the catalog all others."""

    def __init__(self, connection: Connection, template: str = AGENT_URL_TEMPLATE) -> None:
        """Prepare; nothing is sent yet."""
        self._connection = connection
        self._template = template
        self._client = ConsulClient(connection)
        agent_url(template, connection.url, _instance(Entry("", "", "", 0, "")))

    def read(self) -> ConsulData:
        """The services of the agent and of the catalog, and the members.

        /v1/health/service returns the catalog with the status of every check. Its filter `?passing`
        would hide the services of a dead node, whose own check fails.
        """
        node = node_of(self._client)
        services = self._client.get("/v1/agent/services") or {}
        names = self._client.get("/v1/catalog/services") or {}
        return ConsulData(
            node=node,
            agent=tuple(Entry.from_agent(entry, node) for entry in services.values()),
            catalog=tuple(
                Entry.from_health(entry)
                for name in sorted(names)
                for entry in self._client.get(f"/v1/health/service/{name}") or []
            ),
            members=self._members(),
        )

    def remove(self, entry: Entry, own: AgentNode) -> bool:
        """Deregister at the agent that has it; False if it is gone or repaired by now.

        Anti-entropy restores in the catalog what an agent has. So it is deregistered in the catalog
        only if the agent of the node is gone, or does not have it.
        """
        if entry.node == own.name:
            return self._remove_at(self._client, entry)
        if self._members().get(entry.node) in GONE:
            return self._remove_from_catalog(entry)
        try:
            client = agent_of(self._connection, self._template, _instance(entry))
        except Unreachable as error:
            raise Unreachable(f"{error}; {entry.id} is there. See agent_url_template") from error
        return self._remove_at(client, entry)

    def _remove_at(self, client: ConsulClient, entry: Entry) -> bool:
        """Deregister at the agent of the entry's node, unless the service has changed by now."""
        found = client.get(f"/v1/agent/service/{entry.id}")
        if found is None:
            return self._remove_from_catalog(entry)
        node = AgentNode(entry.node, entry.node_address, entry.datacenter)
        now = Entry.from_agent(found, node)
        if dataclasses.replace(now, passing=entry.passing) != entry:
            return False
        try:
            client.put(f"/v1/agent/service/deregister/{entry.id}")
        except RequestRefused:
            # Registrator was faster: the agent rejects an identifier that it does not know.
            return False
        return True

    def _remove_from_catalog(self, entry: Entry) -> bool:
        """Deregister in the catalog, unless it is gone from there too."""
        found = self._client.get(f"/v1/health/service/{entry.name}") or []
        if not any(Entry.from_health(each).key == entry.key for each in found):
            return False
        self._client.put(
            "/v1/catalog/deregister",
            {"Datacenter": entry.datacenter, "Node": entry.node, "ServiceID": entry.id},
        )
        return True

    def _members(self) -> dict[str, str]:
        """The status of every member of the gossip pool."""
        found = self._client.get("/v1/agent/members") or []
        return {member.name: member.status for member in map(Member.from_api, found)}


def _instance(entry: Entry) -> CatalogInstance:
    """The entry as the instance by which an agent is found."""
    return CatalogInstance(
        node=entry.node,
        node_address=entry.node_address,
        datacenter=entry.datacenter,
        id=entry.id,
        name=entry.name,
        address=entry.address,
        port=entry.port,
        alive=True,
    )
