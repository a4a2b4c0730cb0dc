"""Which nodes and instances a filter selects."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.filters import (
    Filters,
    exact,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.model import (
    CatalogNode,
    InventoryError,
)
from catalog_nodes import instance, node


def select(filters: dict[str, t.Any], *nodes: CatalogNode) -> dict[str, list[str]]:
    """The names of nodes that are left, each with the services it shows."""
    left = Filters.from_option(filters).select(nodes)
    return {each.name: [one.name for one in each.instances] for each in left}


def test_without_a_filter_everything_is_wanted() -> None:
    """Also nodes without a service."""
    assert select({}, node("n1", instance()), node("n2")) == {"n1": ["web"], "n2": []}


def test_services_leave_hosts_that_have_one_and_show_no_other() -> None:
    """Names may be patterns."""
    nodes = [node("n1", instance("web-a"), instance("db")), node("n2", instance("db"))]
    assert select({"services": ["web-*"]}, *nodes) == {"n1": ["web-a"]}


def test_tags_are_all_of_one_instance() -> None:
    """Two instances with one tag each are not one with both."""
    both = node("n1", instance(tags=("a", "b")))
    apart = node("n2", instance(tags=("a",)), instance(tags=("b",)))
    assert select({"tags": ["a", "b"]}, both, apart) == {"n1": ["web"]}


def test_nodes_are_chosen_by_name() -> None:
    """One text stands for a list of one."""
    assert select({"nodes": "n[12]"}, node("n1"), node("n2"), node("n3")).keys() == {"n1", "n2"}


def test_passing_only_drops_failing_nodes_and_failing_instances() -> None:
    """A node that is well stays without the instance that is not."""
    nodes = [
        node("n1", instance("web"), instance("db", status="critical")),
        node("n2", instance(), status="critical"),
        node("n3", instance(status="warning")),
    ]
    assert select({"passing_only": True}, *nodes) == {"n1": ["web"], "n3": []}


def test_passing_only_of_a_service_drops_hosts_where_it_fails() -> None:
    """Asked for a service, a host without one that passes is not wanted."""
    nodes = [node("n1", instance()), node("n2", instance(status="critical"))]
    assert select({"passing_only": True, "services": "web"}, *nodes).keys() == {"n1"}


def test_an_expression_for_instances_drops_hosts_without_one() -> None:
    """Consul has left the others out of its answer already."""
    found = select({"service_expression": "Service.Port > 80"}, node("n1"), node("n2", instance()))
    assert found.keys() == {"n2"}


def test_a_filter_that_does_not_exist_lets_nobody_through() -> None:
    """A mistyped one would widen what a play reaches."""
    with pytest.raises(InventoryError, match=r"no service: use services, nodes"):
        Filters.from_option({"service": ["web"]})


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"tags": [1]}, "'filters.tags' must be a list of strings, not [1]"),
        ({"tags": None}, "'filters.tags' must be a list of strings, not None"),
        ({"passing_only": "yes"}, "'filters.passing_only' must be true or false, not 'yes'"),
        ({"node_expression": []}, "'filters.node_expression' must be a string, not []"),
    ],
)
def test_a_filter_of_another_type_is_told(option: dict[str, t.Any], sentence: str) -> None:
    """With what it should be."""
    with pytest.raises(InventoryError) as caught:
        Filters.from_option(option)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("names", "expected"), [((), True), (("web",), True), (("a", "b*"), False), (("[ab]",), False)]
)
def test_names_without_wildcards_are_exact(names: tuple[str, ...], expected: bool) -> None:
    """Then no list of all names is needed."""
    assert exact(names) is expected
