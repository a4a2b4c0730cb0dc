"""A catalog as an inventory: what of Consul's answers becomes a host, a group, a variable."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.filters import (
    Filters,
    exact,
)
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
    ServiceInstance,
    worst,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.nodes import (
    CatalogAnswers,
    nodes_of,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer
from hypothesis import given
from hypothesis import strategies as st

PIPE = '{{ lookup("pipe","id") }}'


def instance(name: str = "web", **more: t.Any) -> ServiceInstance:
    """A passing instance, named after its service."""
    values = {"address": "10.0.0.9", "port": 80, "tags": (), "meta": {}, "tagged_addresses": {}}
    return ServiceInstance(**{"id": name, "name": name, **values, "status": "passing", **more})


def node(name: str = "n1", *instances: ServiceInstance, **more: t.Any) -> CatalogNode:
    """A passing client node with these instances."""
    values = {"id": f"id-{name}", "address": "10.0.0.1", "datacenter": "dc1", "meta": {}}
    known = {**values, "tagged_addresses": {}, "role": "client", "status": "passing", **more}
    return CatalogNode(name=name, instances=instances, **known)


def hosts(*nodes: CatalogNode, **shape: t.Any) -> dict[str, Host]:
    """The hosts of an inventory by name."""
    return {host.name: host for host in build(nodes, Shape(**shape)).hosts}


def only(found: Inventory) -> Host:
    """The one host of an inventory."""
    (host,) = found.hosts
    return host


def entry(name: str = "n1", **more: t.Any) -> dict[str, t.Any]:
    """A node as /v1/catalog/nodes has it."""
    return {**answer("catalog-nodes")[0], "Node": name, "Address": "10.0.0.1", **more}


def check(name: str, status: str, service: str = "") -> dict[str, t.Any]:
    """A check as /v1/health has it."""
    found = answer("health-state-of-nodes")[0]
    return {**found, "Node": name, "Status": status, "ServiceID": service}


def health(name: str = "n1", *checks: str, **service: t.Any) -> dict[str, t.Any]:
    """An instance at a node as /v1/health/service has it, with checks of these statuses."""
    return {
        "Node": entry(name),
        "Service": {**answer("health-service")[0]["Service"], **service},
        "Checks": [check(name, status, "web-1") for status in checks],
    }


# Reading the answers


def test_a_datacenter_is_read() -> None:
    """Nodes with their roles, their statuses, and the instances that run there."""
    one, two = nodes_of(
        CatalogAnswers(
            nodes=answer("catalog-nodes"),
            checks=answer("health-state-of-nodes"),
            services=[answer("health-service"), answer("health-service-unknown")],
            servers=answer("health-service-consul"),
        )
    )
    assert (one.name, one.role, one.status, one.address) == (
        *("node-1", "server", "passing", "127.0.0.1"),
    )
    assert (two.name, two.role, two.datacenter) == ("node-2", "client", "dc1")
    assert two.tagged_addresses["wan_ipv4"] == "127.0.0.2"
    (web,) = one.instances
    assert (web.id, web.status, web.tags) == ("web-1", "warning", ("v2", "primary"))
    assert (web.tagged_addresses["wan"], web.meta["version"]) == ("web.example", "2")
    (other,) = two.instances
    assert (other.id, other.address, other.port, other.tags) == ("web-2", "192.0.2.8", 8080, ())


def test_a_lost_nodes_instance_is_critical() -> None:
    """Its own checks keep the status they had; the node's counts as well."""
    (_one, two) = nodes_of(
        CatalogAnswers(nodes=answer("catalog-nodes"), services=[answer("health-service-lost")])
    )
    assert [each.status for each in two.instances] == ["critical"]


def test_a_node_without_any_service_is_a_node() -> None:
    """It is passing where it has no check, as Consul counts it, and a client."""
    (found,) = nodes_of(CatalogAnswers(nodes=[entry()]))
    assert (found.name, found.status, found.role, found.instances) == (
        "n1",
        "passing",
        "client",
        (),
    )


def test_a_node_with_an_instance_of_consul_is_a_server() -> None:
    """Only servers register Consul's own service."""
    found = nodes_of(CatalogAnswers(nodes=[entry("n1"), entry("n2")], servers=[health("n2")]))
    assert [each.role for each in found] == ["client", "server"]


def test_a_node_is_as_well_as_the_worst_of_its_own_checks() -> None:
    """A check of a service says nothing of its node."""
    checks = [check("n1", "passing"), check("n1", "warning"), check("n1", "critical", "web")]
    (found,) = nodes_of(CatalogAnswers(nodes=[entry()], checks=checks))
    assert found.status == "warning"


def test_an_instance_stands_at_its_node() -> None:
    """With its tags, its metadata, its port and the worst of its checks."""
    answer = health("n1", "passing", "critical", Tags=["a"], Meta={"k": "v"}, Port=80, Address="x")
    (found,) = nodes_of(CatalogAnswers(nodes=[entry()], services=[[answer]]))
    (seen,) = found.instances
    assert (seen.tags, seen.meta, seen.port, seen.address) == (("a",), {"k": "v"}, 80, "x")
    assert seen.status == "critical"


def test_an_instance_registered_without_an_address_has_its_nodes() -> None:
    """Consul's own way to say: here."""
    (found,) = nodes_of(CatalogAnswers(nodes=[entry()], services=[[health(Address="", Tags=None)]]))
    assert found.instances[0].address == "10.0.0.1"


def test_an_instance_at_a_node_that_left_meanwhile_is_left_out() -> None:
    """The requests are not one moment; the list of nodes decides."""
    (found,) = nodes_of(CatalogAnswers(nodes=[entry("n1")], services=[[health("gone")]]))
    assert found.instances == ()


@pytest.mark.parametrize(
    "nodes", [{"errors": []}, [None], [{}], ["n1"], 3, [entry(Meta="text")]], ids=repr
)
def test_an_answer_that_is_not_consuls_is_said_to_be_none(nodes: t.Any) -> None:
    """Something else listens there, or a proxy answers for it."""
    with pytest.raises(ConsulError, match=r"not from Consul.*Check that the address"):
        nodes_of(CatalogAnswers(nodes=nodes))


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "passing"),
        (["passing", "warning"], "warning"),
        (["warning", "critical", "passing"], "critical"),
        (["unheard of"], "critical"),
    ],
)
def test_the_worst_status_counts(statuses: list[str], expected: str) -> None:
    """None is passing, and an unknown one is no good sign."""
    assert worst(statuses) == expected


def test_a_cache_gives_the_same_nodes_back() -> None:
    """Through JSON, which knows no tuples."""
    kept = node("n1", instance(tags=("a", "b"), meta={"k": "v"}), meta={"x": "y"})
    assert CatalogNode.from_plain(json.loads(json.dumps(kept.plain()))) == kept


# Filters


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
