"""Builders: expected services, registrations and findings of an audit."""

from __future__ import annotations

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import (
    AuditData,
    Entry,
    Finding,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.instance import (
    AgentNode,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.expected_services import (
    ExpectedService,
)

HERE, OTHER, DEAD = "node-1", "node-2", "node-3"
ADDRESS = {HERE: "10.0.0.1", OTHER: "10.0.0.2", DEAD: "10.0.0.3"}
IP = ADDRESS[HERE]


def service(container: str = "web", **changes: t.Any) -> ExpectedService:
    """A container that publishes its port 80 as 32768."""
    usual: dict[str, t.Any] = {
        "id": f"reg-1:{container}:80",
        "name": "web",
        "short_id": f"{container}-short",
        "port": 32768,
        "addresses": (IP,),
    }
    return ExpectedService(container=container, **{**usual, **changes})


def entry(container: str = "web", **changes: t.Any) -> Entry:
    """Its service as this host's Registrator registers it."""
    node = changes.get("node", HERE)
    usual: dict[str, t.Any] = {
        "id": f"reg-1:{container}:80",
        "name": "web",
        "address": IP,
        "port": 32768,
        "node": HERE,
        "node_address": ADDRESS[node],
        "owner": "reg-1",
        "short_id": f"{container}-short",
    }
    return Entry(**{**usual, **changes})


def seen(*services: ExpectedService, agent: t.Sequence[Entry] = (), **changes: t.Any) -> AuditData:
    """A look in which the catalog has all that the agent has, and more where it is given."""
    usual: dict[str, t.Any] = {
        "hostname": "reg-1",
        "node": AgentNode(HERE, IP),
        "ip": IP,
        "expected": services,
        "running": frozenset(each.short_id for each in services),
        "agent": tuple(agent),
        "members": {HERE: "alive", OTHER: "alive", DEAD: "failed"},
    }
    elsewhere = tuple(changes.pop("elsewhere", ()))
    return AuditData(**{**usual, "catalog": (*agent, *elsewhere), **changes})


def finding(**changes: t.Any) -> Finding:
    """A ghost."""
    usual: dict[str, t.Any] = {
        "kind": "ghost",
        "service_id": "a",
        "name": "web",
        "container": "",
        "address": "",
        "port": 0,
        "node": HERE,
        "detail": "why",
    }
    return Finding(**{**usual, **changes})
