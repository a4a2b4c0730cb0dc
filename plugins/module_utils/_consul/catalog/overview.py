# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Leader, members and every registered instance with its health, from one agent."""

from __future__ import annotations

import typing as t

from ..cluster.observe import observe
from ..transport.client import ConsulClient
from .instance import CatalogInstance

# The status of an instance is its worst check, as in Consul's UI.
_ORDER = ("passing", "warning", "critical")


def overview(client: ConsulClient) -> dict[str, t.Any]:
    """The overview in plain values. Raises ConsulError if the agent does not answer.

    It needs a request for each service name, as no endpoint returns all services with health.
    """
    seen = observe(client)
    names = client.get("/v1/catalog/services") or {}
    return {
        "leader": seen.leader,
        "leader_node": seen.leader_node,
        "members": [
            {"name": each.name, "address": each.address, "role": each.role, "status": each.status}
            for each in seen.members
        ],
        "instances": [
            _shown(entry)
            for name in sorted(names)
            for entry in client.get(f"/v1/health/service/{name}") or []
        ],
    }


def _shown(entry: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """An entry of /v1/health/service/<name>."""
    instance = CatalogInstance.from_api(entry)
    statuses = [check["Status"] for check in entry.get("Checks") or ()]
    return {
        "service": instance.name,
        "id": instance.id,
        "node": instance.node,
        "address": instance.address,
        "port": instance.port,
        "tags": entry["Service"].get("Tags") or [],
        "status": max(statuses, key=_ORDER.index, default="passing"),
    }
