"""Wanted and actual things, of which a story states only what matters."""

from __future__ import annotations

from typing import Any

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster import (
    Member,
    Observation,
    Peer,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service import Service
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    OWNER_LABEL,
    SPEC_LABEL,
    ActualContainer,
    ContainerSpec,
)

IMAGE_IDS = {"web:1": "sha256:one"}


def spec(name: str = "web-1", **options: Any) -> ContainerSpec:
    """A wanted container of the image web:1."""
    return ContainerSpec.from_params({"name": name, "image": "web:1", **options})


def running(wanted: ContainerSpec, *, owner: str = "web", **changes: Any) -> ActualContainer:
    """The container that `wanted` led to earlier."""
    values: dict[str, Any] = {
        "id": f"id-of-{wanted.name}",
        "name": wanted.name,
        "image_id": IMAGE_IDS["web:1"],
        "running": True,
        "labels": {OWNER_LABEL: owner, SPEC_LABEL: wanted.canonical},
    }
    return ActualContainer(**{**values, **changes})


def service_params(**options: Any) -> dict[str, Any]:
    """The options of consul_service, all unset but the name."""
    unset: dict[str, Any] = {
        **dict.fromkeys(("id", "address", "port", "weights")),
        "name": "web",
        "tags": [],
        "meta": {},
        "tagged_addresses": {},
        "enable_tag_override": False,
        "checks": [],
    }
    return {**unset, **options}


def service(**options: Any) -> Service:
    """A wanted service named web."""
    return Service.from_params(service_params(**options))


def stored(wanted: Service) -> Service:
    """The same service as the agent gives it back."""
    body = wanted.payload()
    return Service.from_api({**body, "Service": body["Name"]})


def member(name: str, *, role: str = "server", status: str = "alive") -> Member:
    """An agent of version 1.22.7."""
    return Member(name, f"10.0.0.{len(name)}", status, role, "1.22.7")


def cluster(voters: int = 3, **changes: Any) -> Observation:
    """A healthy cluster of so many servers, the first of which leads."""
    names = [f"node{number}" for number in range(1, voters + 1)]
    values: dict[str, Any] = {
        "leader": "10.0.0.1:8300",
        "term": 2,
        "datacenter": "dc1",
        "members": tuple(member(name) for name in names),
        "peers": tuple(Peer(name, f"{name}:8300", True, name == "node1", 100) for name in names),
        "healthy": True,
        "failure_tolerance": (voters - 1) // 2,
    }
    return Observation(**{**values, **changes})
