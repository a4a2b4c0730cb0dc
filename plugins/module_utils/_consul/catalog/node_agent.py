# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The agent of the node of an instance, and the node of an agent. Raises ConsulError."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

from ..transport.client import Connection, ConsulClient
from ..transport.errors import ConsulError
from .instance import AgentNode, CatalogInstance

AGENT_URL_TEMPLATE = "{scheme}://{address}:{port}"


def agent_url(template: str, own: str, instance: CatalogInstance) -> str:
    """The URL of the agent of the instance's node."""
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
            f"agent_url_template has {{{min(unknown)}}}; use "
            f"{', '.join(f'{{{name}}}' for name in values)}"
        )
    return re.sub(r"{([^{}]*)}", lambda found: values[found[1]], template)


def agent_of(connection: Connection, template: str, instance: CatalogInstance) -> ConsulClient:
    """The agent of the instance's node.

    Raises Unreachable if none answers, and ConsulError if it is the agent of another node.
    """
    url = agent_url(template, connection.url, instance)
    client = ConsulClient(dataclasses.replace(connection, url=url))
    found = node_of(client)
    if (found.name, found.datacenter) != (instance.node, instance.datacenter):
        raise ConsulError(
            f"the agent at {url} is the agent of node {found.name} in {found.datacenter}, not of "
            f"{instance.node} in {instance.datacenter}: nothing was deregistered there. "
            "See agent_url_template"
        )
    return client


def node_of(client: ConsulClient) -> AgentNode:
    """The node that an agent reports to run on."""
    itself = client.get("/v1/agent/self") or {}
    config = itself.get("Config") or {}
    return AgentNode(
        name=config.get("NodeName", ""),
        address=(itself.get("Member") or {}).get("Addr", ""),
        datacenter=config.get("Datacenter", ""),
    )
