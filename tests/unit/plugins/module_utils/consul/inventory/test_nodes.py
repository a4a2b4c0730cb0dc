"""What of Consul's answers becomes a node with its instances."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.model import (
    CatalogNode,
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
from catalog_nodes import instance, node


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
