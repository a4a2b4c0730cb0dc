# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Which agent holds an instance, and who an agent says that it is. Raises ConsulError."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

from ..transport.client import Connection, ConsulClient
from ..transport.errors import ConsulError
from .instance import AgentNode, CatalogInstance

AGENT_URL_TEMPLATE = "{scheme}://{address}:{port}"


def agent_url(template: str, own: str, instance: CatalogInstance) -> str:
    """The address of the agent that holds an instance."""
    parts = urllib.parse.urlsplit(own)
    address = instance.node_address
    values = {
        "scheme": parts.scheme,
        "address": f"[{address}]" if ":" in address else address,
        "port": str(parts.port or (8501 if parts.scheme == "https" else 8500)),
        "node": instance.node,
        "datacenter": instance.datacenter,
    }
    unknown = set(re.findall(r"{([^{}]*)}", template)) - set(values)
    if unknown:
        raise ConsulError(
            f"agent_url_template has {{{min(unknown)}}}; there are "
            f"{', '.join(f'{{{name}}}' for name in values)}"
        )
    return re.sub(r"{([^{}]*)}", lambda found: values[found[1]], template)


def agent_of(connection: Connection, template: str, instance: CatalogInstance) -> ConsulClient:
    """The agent that holds an instance.

    Raises Unreachable where none answers, and ConsulError where it is another node's.
    """
    url = agent_url(template, connection.url, instance)
    client = ConsulClient(dataclasses.replace(connection, url=url))
    found = node_of(client)
    if (found.name, found.datacenter) != (instance.node, instance.datacenter):
        raise ConsulError(
            f"the agent at {url} is that of node {found.name} in {found.datacenter}, not of "
            f"{instance.node} in {instance.datacenter}: nothing was deregistered there. "
            "See agent_url_template"
        )
    return client


def node_of(client: ConsulClient) -> AgentNode:
    """Who an agent says that it is."""
    itself = client.get("/v1/agent/self") or {}
    config = itself.get("Config") or {}
    return AgentNode(
        name=config.get("NodeName", ""),
        address=(itself.get("Member") or {}).get("Addr", ""),
        datacenter=config.get("Datacenter", ""),
    )
