"""The catalog put together from the nodes' answers and the checks that fail."""

from __future__ import annotations

from typing import Any

from nginx_lb.discovery.catalog_follower import CatalogView, entries

NODES = [{"Node": "n1", "Address": "10.0.0.1"}, {"Node": "n2", "Address": "10.0.0.2"}]


def service(identifier: str, **more: Any) -> dict[str, Any]:
    """A service as a node's answer lists it."""
    usual = {"ID": identifier, "Service": "web", "Address": "", "Port": 80, "Tags": ["lb"]}
    return {**usual, "Weights": {"Passing": 2, "Warning": 1}, **more}


def view(**services: list[Any]) -> CatalogView:
    """A catalog of two nodes, with these services by node."""
    found = CatalogView().with_nodes(NODES)
    for node in ("n1", "n2"):
        found = found.with_node(node, {"Services": services.get(node, [])})
    return found


def passing(found: CatalogView, *failing: dict[str, str]) -> list[str]:
    """The identifiers of the passing instances."""
    return [entry["id"] for entry in entries(found, list(failing))]


def test_a_service_without_an_address_has_its_nodes() -> None:
    """As Consul has it."""
    found = view(n1=[service("a")], n2=[service("b", Address="192.0.2.1")])
    places = [(entry["address"], entry["weight"]) for entry in entries(found, [])]
    assert places == [("10.0.0.1", 2), ("192.0.2.1", 2)]


def test_a_failing_check_takes_its_service_or_its_whole_node() -> None:
    """A check of the node is everybody's on it; one of a service is nobody else's."""
    found = view(n1=[service("a"), service("b")], n2=[service("a")])
    assert passing(found, {"Node": "n1", "ServiceID": "a"}) == ["b", "a"]
    assert passing(found, {"Node": "n1", "ServiceID": ""}) == ["a"]


def test_it_is_whole_when_every_node_has_answered() -> None:
    """A new node is waited for, one that left takes its services along."""
    found = view(n1=[service("a")], n2=[service("b")])
    assert found.complete
    more = found.with_nodes([*NODES, {"Node": "n3", "Address": "10.0.0.3"}])
    assert not more.complete
    assert passing(found.with_nodes(NODES[:1])) == ["a"]
    assert passing(found.with_nodes(NODES[:1]).with_node("n2", {"Services": [service("b")]})) == [
        "a"
    ]


def test_nonsense_is_no_entry() -> None:
    """Whatever an answer holds, nothing raises."""
    found = CatalogView().with_nodes([None, 1, {}, *NODES]).with_node("n1", None)
    found = found.with_node("n2", {"Services": [None, "x", {}]})
    assert next(iter(entries(found, None)))["service"] is None
