"""The whole catalog, put together from the answers of a few queries. Pure: answers in, entries out.

A service of its own blocking query each, as consul-template has it, costs the agent a query per
service; a query per node and one for the checks that do not pass see the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class CatalogView:
    """What is known: each node's address and services, None for one that has not answered yet."""

    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    services: Mapping[str, tuple[Any, ...] | None] = dataclasses.field(default_factory=dict)

    def with_nodes(self, answer: Any) -> CatalogView:
        """After an answer that lists the nodes; those that are new have not answered yet."""
        found = {
            node["Node"]: str(node.get("Address") or "")
            for node in _objects(answer)
            if isinstance(node.get("Node"), str)
        }
        return CatalogView(found, {name: self.services.get(name) for name in found})

    def with_node(self, name: str, answer: Any) -> CatalogView:
        """After an answer of one node's services; of a node that has left there is nothing."""
        if name not in self.services:
            return self
        listed = answer.get("Services") if isinstance(answer, dict) else None
        return dataclasses.replace(self, services={**self.services, name: tuple(_objects(listed))})

    @property
    def whole(self) -> bool:
        """Whether every node has answered."""
        return bool(self.services) and None not in self.services.values()


def entries(view: CatalogView, failing: Any) -> Iterator[dict[str, Any]]:
    """The passing instances, as snapshot.collect takes them.

    `failing` is the list of all checks that do not pass, read after the services: an instance whose
    check came with it and fails must not look as if it had none.
    """
    nodes, services = _failing(failing)
    for node, listed in view.services.items():
        if node in nodes:
            continue
        for service in listed or ():
            if (node, service.get("ID")) not in services:
                yield _entry(service, view.addresses[node])


def _failing(checks: Any) -> tuple[set[Any], set[tuple[Any, Any]]]:
    """The nodes that fail as a whole, and the services that do."""
    nodes: set[Any] = set()
    services: set[tuple[Any, Any]] = set()
    for check in _objects(checks):
        if check.get("ServiceID"):
            services.add((check.get("Node"), check["ServiceID"]))
        else:
            nodes.add(check.get("Node"))
    return nodes, services


def _entry(service: Mapping[str, Any], node_address: str) -> dict[str, Any]:
    weights = service.get("Weights")
    return {
        "service": service.get("Service"),
        "id": service.get("ID"),
        "address": service.get("Address") or node_address,
        "port": service.get("Port"),
        "weight": weights.get("Passing", 1) if isinstance(weights, dict) else 1,
        "tags": service.get("Tags") or [],
    }


def _objects(values: Any) -> Iterable[dict[str, Any]]:
    return (
        (value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()
    )
