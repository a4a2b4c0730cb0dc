"""The requests that make an inventory: which, how many, and what their answers become."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.filters import (
    Filters,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.model import (
    CatalogNode,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.queries import (
    query_nodes,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    Forbidden,
    RequestRefused,
    Unavailable,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer, table

DATACENTERS, SERVICES, NODES, CHECKS, SERVERS = table(
    *("catalog-datacenters", "catalog-services", "catalog-nodes", "health-state-of-nodes"),
    "health-service-consul",
)
ALWAYS = {NODES, CHECKS, SERVERS}


class FakeCatalog:
    """Datacenters of one server each, named after them, that run these services."""

    def __init__(self, *services: str, datacenters: t.Sequence[str] = ("dc1",)) -> None:
        """The agent is one of the first datacenter's; `broken` paths raise."""
        self.services = ("consul", *services)
        self.datacenters = list(datacenters)
        self.broken: dict[str, Exception] = {}
        self.asked: list[tuple[str, str, str]] = []

    def client(self, connection: Connection) -> t.Any:
        """A client that asks in the connection's datacenter."""
        return FakeClient(self, connection.datacenter or self.datacenters[0])

    def paths(self) -> list[str]:
        """What was asked for, sorted."""
        return sorted(path for path, _datacenter, _filter in self.asked)

    def answer(self, path: str, datacenter: str) -> t.Any:
        """The answer of one datacenter."""
        node = {**answer("catalog-nodes")[0], "Node": datacenter, "Datacenter": datacenter}
        check = {**answer("health-state-of-nodes")[0], "Node": datacenter}
        if path == DATACENTERS:
            return self.datacenters
        if path == SERVICES:
            return {name: [] for name in self.services}
        if path == NODES:
            return [node]
        if path == CHECKS:
            return [check]
        name = path.removeprefix("/v1/health/service/")
        if name not in self.services:
            return answer("health-service-unknown")
        (entry,) = answer("health-service-consul")
        service = {**entry["Service"], "ID": name, "Service": name}
        return [{**entry, "Node": node, "Service": service}]


class FakeClient:
    """The client of one datacenter."""

    def __init__(self, catalog: FakeCatalog, datacenter: str) -> None:
        """Keeps what it is asked in the catalog."""
        self._catalog = catalog
        self._datacenter = datacenter

    def get(self, path: str, **params: str) -> t.Any:
        """The answer, or what is broken."""
        self._catalog.asked.append((path, self._datacenter, params.get("filter", "")))
        if path in self._catalog.broken:
            raise self._catalog.broken[path]
        return self._catalog.answer(path, self._datacenter)


def look(
    catalog: FakeCatalog, datacenter: str | None = None, **filters: t.Any
) -> list[CatalogNode]:
    """The nodes that the queries find."""
    connection = Connection("http://agent:8500", datacenter=datacenter)
    return list(query_nodes(connection, Filters.from_option(filters), catalog.client))


def test_a_catalog_costs_four_questions_and_one_for_each_service() -> None:
    """One of the four is Consul's own service: it tells the servers, and is asked for once."""
    catalog = FakeCatalog("web", "db")
    (found,) = look(catalog)
    assert [each.name for each in found.instances] == ["consul", "db", "web"]
    assert found.role == "server"
    of_services = {f"/v1/health/service/{name}" for name in ("web", "db")}
    assert catalog.paths() == sorted(ALWAYS | {SERVICES} | of_services)


def test_services_that_are_named_cost_only_themselves() -> None:
    """Nobody needs the list of all."""
    catalog = FakeCatalog("web", "db")
    (found,) = look(catalog, services=["web"])
    assert [each.name for each in found.instances] == ["web"]
    assert catalog.paths() == sorted(ALWAYS | {"/v1/health/service/web"})


def test_services_by_pattern_cost_the_list_and_those_that_match() -> None:
    """Others are not asked for."""
    catalog = FakeCatalog("web-a", "web-b", "db")
    look(catalog, services=["web-*"])
    assert "/v1/health/service/web-a" in catalog.paths()
    assert "/v1/health/service/db" not in catalog.paths()


def test_a_service_that_is_not_there_leaves_no_host() -> None:
    """Named, it may come later: that is no error."""
    assert look(FakeCatalog("web"), services=["other"]) == []


def test_only_the_checks_of_nodes_are_asked_for() -> None:
    """Those of services come with them, and their output is most of the answer."""
    catalog = FakeCatalog()
    look(catalog)
    assert (CHECKS, "dc1", 'ServiceID == ""') in catalog.asked


def test_expressions_are_consuls_to_evaluate() -> None:
    """Who is a server is asked without them."""
    catalog = FakeCatalog("web")
    look(catalog, node_expression="A == 1", service_expression="B == 2")
    assert (NODES, "dc1", "A == 1") in catalog.asked
    assert ("/v1/health/service/web", "dc1", "B == 2") in catalog.asked
    assert (SERVERS, "dc1", "") in catalog.asked


def test_the_datacenter_of_the_connection_is_asked() -> None:
    """Without a filter."""
    catalog = FakeCatalog(datacenters=["dc1", "dc2"])
    assert [each.name for each in look(catalog, datacenter="dc2")] == ["dc2"]


def test_several_datacenters_are_asked_each() -> None:
    """Named, nobody asks which there are."""
    catalog = FakeCatalog("web", datacenters=["dc1", "dc2", "dc3"])
    found = look(catalog, datacenters=["dc3", "dc1", "dc3"])
    assert [each.datacenter for each in found] == ["dc3", "dc1"]
    assert DATACENTERS not in catalog.paths()


def test_datacenters_by_pattern_are_those_that_consul_knows() -> None:
    """One question more."""
    catalog = FakeCatalog(datacenters=["eu-1", "eu-2", "us-1"])
    assert [each.name for each in look(catalog, datacenters=["eu-*"])] == ["eu-1", "eu-2"]


def test_a_part_that_does_not_answer_fails_the_whole() -> None:
    """A list with holes would be taken for the truth."""
    catalog = FakeCatalog("web")
    catalog.broken["/v1/health/service/web"] = Forbidden("permission denied")
    with pytest.raises(Forbidden):
        look(catalog)


def test_a_wrong_expression_is_told_as_one() -> None:
    """Consul answers it with the status of a broken cluster."""
    catalog = FakeCatalog()
    words = answer("catalog-nodes-wrong-filter")
    catalog.broken[NODES] = Unavailable(
        f"GET {NODES} at x: status 500: {words}. Check the cluster with consul_cluster_status"
    )
    with pytest.raises(RequestRefused, match=r"is not valid. Correct the filter 'N == 1'$"):
        look(catalog, node_expression="N == 1")


def test_a_broken_cluster_is_not_told_as_a_wrong_expression() -> None:
    """The remedy is another."""
    catalog = FakeCatalog()
    catalog.broken[NODES] = Unavailable(f"status 500: {answer('leaderless-services')}")
    with pytest.raises(Unavailable, match="No cluster leader"):
        look(catalog, node_expression="N == 1")


@pytest.mark.parametrize("name", ["../../agent/self", ".", "a/../b", "a//b"])
def test_a_name_that_leads_to_another_path_is_not_asked_for(name: str) -> None:
    """Who registers a service does not choose our requests."""
    catalog = FakeCatalog(name, "web")
    look(catalog)
    assert not [path for path in catalog.paths() if name in path]
