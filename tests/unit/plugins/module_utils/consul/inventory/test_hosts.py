"""What of a catalog's nodes becomes a host, a group, a variable."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.hosts import (
    Host,
    Inventory,
    Shape,
    build,
    is_address,
    safe_group_name,
    safe_host_name,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.model import (
    CatalogNode,
    InventoryError,
)
from catalog_nodes import instance, node
from hypothesis import given
from hypothesis import strategies as st

PIPE = '{{ lookup("pipe","id") }}'


def hosts(*nodes: CatalogNode, **shape: t.Any) -> dict[str, Host]:
    """The hosts of an inventory by name."""
    return {host.name: host for host in build(nodes, Shape(**shape)).hosts}


def only(found: Inventory) -> Host:
    """The one host of an inventory."""
    (host,) = found.hosts
    return host


# Hosts


def test_a_node_is_a_host_with_all_that_is_known() -> None:
    """Under names that begin with consul_."""
    found = only(
        build(
            [node("n1", instance(tags=("a",)), meta={"rack": "r1"}, tagged_addresses={"wan": "w"})],
            Shape(),
        )
    )
    shown = {**vars_of_instance(), "tags": ["a"]}
    assert found.name == "n1"
    assert found.variables == {
        "ansible_host": "10.0.0.1",
        "consul_node": "n1",
        "consul_node_id": "id-n1",
        "consul_address": "10.0.0.1",
        "consul_tagged_addresses": {"wan": "w"},
        "consul_datacenter": "dc1",
        "consul_role": "client",
        "consul_health": "passing",
        "consul_meta": {"rack": "r1"},
        "consul_services": [shown],
    }


def vars_of_instance() -> dict[str, t.Any]:
    """An instance as its host shows it."""
    known = {"id": "web", "name": "web", "address": "10.0.0.9", "port": 80}
    return {**known, "tags": [], "meta": {}, "status": "passing"}


def test_a_host_is_in_a_group_for_each_thing_it_is() -> None:
    """Once each, however many instances say so."""
    web = [instance("my-web", id=each, tags=("v2", "")) for each in ("a", "b")]
    assert hosts(node("n1", *web))["n1"].groups == (
        "consul_service_my_web",
        "consul_tag_v2",
        "consul_datacenter_dc1",
        "consul_health_passing",
        "consul_role_client",
    )


def test_groups_are_those_asked_for_under_the_prefix_asked_for() -> None:
    """An empty prefix is one too."""
    found = hosts(node("n1", instance()), group_by=("role", "service"), group_prefix="")
    assert found["n1"].groups == ("role_client", "service_web")


def test_a_host_is_as_well_as_the_worst_that_it_shows() -> None:
    """A node that is well with a service that is not."""
    found = hosts(node("n1", instance(status="critical")))["n1"]
    assert found.variables["consul_health"] == "critical"
    assert "consul_health_critical" in found.groups


def test_each_instance_can_be_a_host() -> None:
    """At its own address, with itself alone."""
    found = hosts(node("n1", instance("web"), instance("db", port=1)), hosts=("instances",))
    assert found.keys() == {"web.n1", "db.n1"}
    database = found["db.n1"].variables
    assert (database["ansible_host"], database["consul_service"]["port"]) == ("10.0.0.9", 1)
    assert [each["name"] for each in database["consul_services"]] == ["db"]


def test_nodes_and_instances_can_stand_side_by_side() -> None:
    """Each under its name."""
    assert hosts(node("n1", instance()), hosts=("nodes", "instances")).keys() == {"n1", "web.n1"}


@pytest.mark.parametrize(
    ("kind", "tagged", "expected"),
    [
        ("address", {"lan": "l", "wan": "w"}, "10.0.0.1"),
        ("lan", {"lan": "l", "wan": "w"}, "l"),
        ("wan", {"wan_ipv4": "w"}, "w"),
        ("wan", {}, "10.0.0.1"),
        ("none", {"lan": "l"}, None),
    ],
)
def test_the_address_is_of_the_kind_asked_for(
    kind: str, tagged: dict[str, str], expected: str | None
) -> None:
    """Without one of this kind it is the plain one."""
    found = hosts(node("n1", tagged_addresses=tagged), ansible_host=kind)
    assert found["n1"].variables.get("ansible_host") == expected


# Names


def test_a_name_is_the_first_that_a_host_has() -> None:
    """Metadata, an address, the node's name."""
    named = node("n1", meta={"fqdn": "n1.example.org"})
    found = hosts(named, node("n2", address="10.0.0.2"), hostnames=("meta.fqdn", "address"))
    assert found.keys() == {"n1.example.org", "10.0.0.2"}


def test_a_name_that_two_want_goes_to_neither() -> None:
    """Nobody takes another's by registering first."""
    twins = [node("n1", meta={"fqdn": "db"}), node("n2", meta={"fqdn": "db"})]
    assert hosts(*twins, hostnames=("meta.fqdn", "node")).keys() == {"n1", "n2"}


def test_nodes_of_one_name_in_two_datacenters_have_theirs_with_the_datacenter() -> None:
    """Consul's names are unique within one."""
    found = hosts(node("n1", datacenter="dc1"), node("n1", datacenter="dc2"))
    assert found.keys() == {"n1.dc1", "n1.dc2"}


def test_names_that_differ_only_in_unusual_characters_stay_apart() -> None:
    """No host swallows another's variables."""
    found = hosts(node("a b"), node("a:b"))
    assert len(found) == 2
    assert all(name.startswith("a_b.dc1.") for name in found)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "all", "web_servers"])
def test_a_name_that_means_something_else_is_given_to_nobody(name: str) -> None:
    """A node must not become the controller, nor all hosts, nor a present group."""
    found = hosts(node(name), taken=frozenset({"web_servers"}))
    assert found.keys() == {f"{name}.dc1"}


def test_a_host_never_has_the_name_of_a_group_of_ours() -> None:
    """Its variables would be the group's."""
    found = hosts(node("consul_role_client"))
    assert found.keys() == {"consul_role_client.dc1"}


def test_a_preference_that_nothing_has_is_told() -> None:
    """With those that there are."""
    with pytest.raises(InventoryError, match=r"'fqdn': use instance, node, .*meta.KEY"):
        Shape(hostnames=("fqdn",))


# What strangers may write


@pytest.mark.parametrize(
    "address", ["-oProxyCommand=id", "a b", "", PIPE, "a;b", "fe80::1%$(id)", "10.0.0.1\n", "a/b"]
)
def test_ssh_is_called_with_no_address_that_is_none(address: str) -> None:
    """It would take the first one for an option. The host stays, and a warning says so."""
    found = build([node("n1", address=address)], Shape())
    assert "ansible_host" not in only(found).variables
    assert "n1 has no usable address" in found.warnings[0]


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1", "::1", "a.example.org", "my_host-1"])
def test_an_address_is_taken_as_it_is(address: str) -> None:
    """IP addresses of both kinds, and names."""
    assert is_address(address)


def test_a_service_that_is_a_template_names_a_harmless_group() -> None:
    """No brace is left of it."""
    groups = hosts(node("n1", instance(PIPE)))["n1"].groups
    assert groups[0] == "consul_service____lookup__pipe___id_____"


@given(st.text())
def test_a_groups_name_is_always_a_variables(text: str) -> None:
    """As Ansible wants it, whatever the catalog holds."""
    assert safe_group_name(f"x{text}").isidentifier()
    assert safe_group_name(f"9{text}").isidentifier()


@given(st.lists(st.text(), min_size=1, max_size=5, unique=True))
def test_every_host_has_one_name_that_patterns_can_hold(names: list[str]) -> None:
    """No separator, no wildcard, no option, and no two alike."""
    found = build([node(name) for name in names], Shape(taken=frozenset({"a"}))).hosts
    assert len({host.name for host in found}) == len(names)
    for host in found:
        assert host.name == safe_host_name(host.name)
        assert host.name not in ("", "a", "all", "localhost")
