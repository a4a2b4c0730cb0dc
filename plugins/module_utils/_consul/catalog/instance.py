# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A service instance in the catalog, and the node of an agent. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

SERF = "serfHealth"


@dataclasses.dataclass(frozen=True)
class AgentNode:
    """The node of the agent that answers."""

    name: str = ""
    address: str = ""
    datacenter: str = ""


@dataclasses.dataclass(frozen=True)
class CatalogInstance:
    """A service instance in the catalog; `alive` is whether the agent of its node is."""

    node: str
    node_address: str
    datacenter: str
    id: str
    name: str
    address: str
    port: int
    alive: bool

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> CatalogInstance:
        """Read an entry of /v1/health/service/<name>."""
        node, service = entry["Node"], entry["Service"]
        gossip = [check for check in entry.get("Checks") or () if check["CheckID"] == SERF]
        return cls(
            node=node["Node"],
            node_address=node["Address"],
            datacenter=node.get("Datacenter") or "",
            id=service["ID"],
            name=service["Service"],
            address=service.get("Address") or node["Address"],
            port=service.get("Port") or 0,
            # A node without this check has no agent: it was registered in the catalog directly.
            alive=bool(gossip) and all(check["Status"] == "passing" for check in gossip),
        )

    def shown(self) -> dict[str, t.Any]:
        """What a diff shows."""
        return {"node": self.node, "id": self.id, "address": self.address, "port": self.port}
