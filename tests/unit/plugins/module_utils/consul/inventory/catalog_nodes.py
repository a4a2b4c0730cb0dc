"""Builders: nodes of a catalog and their service instances."""

from __future__ import annotations

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.model import (
    CatalogNode,
    ServiceInstance,
)


def instance(name: str = "web", **more: t.Any) -> ServiceInstance:
    """A passing instance, named after its service."""
    values = {"address": "10.0.0.9", "port": 80, "tags": (), "meta": {}, "tagged_addresses": {}}
    return ServiceInstance(**{"id": name, "name": name, **values, "status": "passing", **more})


def node(name: str = "n1", *instances: ServiceInstance, **more: t.Any) -> CatalogNode:
    """A passing client node with these instances."""
    values = {"id": f"id-{name}", "address": "10.0.0.1", "datacenter": "dc1", "meta": {}}
    known = {**values, "tagged_addresses": {}, "role": "client", "status": "passing", **more}
    return CatalogNode(name=name, instances=instances, **known)
