"""One look at Consul for the audit, and where a repair deregisters."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit import (
    client as audit_client,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import Entry
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog import node_agent
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.instance import (
    AgentNode,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    RequestRefused,
    Unreachable,
)

HERE, THERE = "http://10.0.0.1:8500", "http://10.0.0.2:8500"
OWN = AgentNode("n1", "10.0.0.1", "dc1")
NODES = {HERE: ("n1", "10.0.0.1"), THERE: ("n2", "10.0.0.2")}


class FakeConsul:
    """Agents and their catalog; requests that change something are noted."""

    def __init__(self) -> None:
        """Two agents that are alive and have nothing."""
        self.services: dict[str, dict[str, t.Any]] = {HERE: {}, THERE: {}}
        self.catalog: list[dict[str, t.Any]] = []
        self.status = {"n1": 1, "n2": 1}
        self.silent: set[str] = set()
        self.refuses = False
        self.sent: list[tuple[str, str, t.Any]] = []

    def client(self, connection: Connection) -> FakeClient:
        """What the adapter takes for a client."""
        return FakeClient(self, connection.url)


class FakeClient:
    """The connection to one of the agents."""

    def __init__(self, consul: FakeConsul, url: str) -> None:
        """Remember where it leads."""
        self._consul = consul
        self._url = url

    def get(self, path: str) -> t.Any:
        """The answer to a question."""
        if self._url in self._consul.silent:
            raise Unreachable(f"{self._url}: no answer")
        name, address = NODES[self._url]
        services = self._consul.services[self._url]
        if path == "/v1/agent/self":
            config = {"NodeName": name, "Datacenter": "dc1"}
            return {"Config": config, "Member": {"Addr": address}}
        if path == "/v1/agent/members":
            pairs = self._consul.status.items()
            return [{"Name": node, "Addr": "", "Status": status} for node, status in pairs]
        if path == "/v1/agent/services":
            return services
        if path == "/v1/catalog/services":
            return {each["Service"]["Service"]: [] for each in self._consul.catalog}
        last = path.rpartition("/")[2]
        if path.startswith("/v1/agent/service/"):
            return services.get(last)
        return [each for each in self._consul.catalog if each["Service"]["Service"] == last]

    def put(self, path: str, body: t.Any = None) -> None:
        """Note the request, or refuse it."""
        if self._consul.refuses:
            raise RequestRefused("Unknown service ID")
        self._consul.sent.append((self._url, path, body))


def service(port: int = 80) -> dict[str, t.Any]:
    """The web service as agents have it."""
    return {"ID": "web", "Service": "web", "Address": "10.0.0.1", "Port": port, "Meta": {}}


def entry(node: str = "n1", address: str = "10.0.0.1") -> Entry:
    """The web service as a finding of the audit holds it."""
    return Entry("web", "web", "10.0.0.1", 80, node, node_address=address, datacenter="dc1")


THEIRS = entry("n2", "10.0.0.2")
CATALOG = ("/v1/catalog/deregister", {"Datacenter": "dc1", "Node": "n2", "ServiceID": "web"})


def listed(node: str = "n2", address: str = "10.0.0.2") -> dict[str, t.Any]:
    """The web service in the health index."""
    place = {"Node": node, "Address": address, "Datacenter": "dc1"}
    return {"Node": place, "Service": service(), "Checks": []}


@pytest.fixture
def consul(monkeypatch: pytest.MonkeyPatch) -> FakeConsul:
    """The agents that the survey speaks to."""
    fake = FakeConsul()
    for module in (node_agent, audit_client):
        monkeypatch.setattr(module, "ConsulClient", fake.client)
    return fake


def surveyed() -> audit_client.AuditClient:
    """A survey through the first agent."""
    return audit_client.AuditClient(Connection(url=HERE))


@pytest.mark.usefixtures("consul")
def test_a_template_with_an_unknown_word_is_refused_before_anything_is_asked() -> None:
    """It would fail only in the middle of a repair."""
    with pytest.raises(ConsulError, match="agent_url_template"):
        audit_client.AuditClient(Connection(url=HERE), "{host}")


def test_a_look_reads_agent_catalog_and_members(consul: FakeConsul) -> None:
    """Each as it is, with the node that it is at."""
    consul.services[HERE] = {"web": service()}
    consul.catalog = [listed()]
    consul.status["n2"] = 4
    answers = surveyed().read()
    assert answers.node == OWN
    assert answers.agent == (entry(),)
    assert answers.catalog == (THEIRS,)
    assert answers.members == {"n1": "alive", "n2": "failed"}


def test_a_service_is_deregistered_at_this_agent(consul: FakeConsul) -> None:
    """The agent takes it out of the catalog by itself."""
    consul.services[HERE] = {"web": service()}
    assert surveyed().remove(entry(), OWN)
    assert consul.sent == [(HERE, "/v1/agent/service/deregister/web", None)]


def test_what_another_agent_holds_is_deregistered_there(consul: FakeConsul) -> None:
    """In the catalog alone it would come back."""
    consul.services[THERE] = {"web": service()}
    assert surveyed().remove(THEIRS, OWN)
    assert consul.sent == [(THERE, "/v1/agent/service/deregister/web", None)]


def test_what_its_agent_does_not_have_is_deregistered_in_the_catalog(consul: FakeConsul) -> None:
    """Nobody would put it back."""
    consul.catalog = [listed()]
    assert surveyed().remove(THEIRS, OWN)
    assert consul.sent == [(HERE, *CATALOG)]


def test_what_a_dead_node_left_is_deregistered_in_the_catalog(consul: FakeConsul) -> None:
    """Its agent is not asked."""
    consul.catalog, consul.silent, consul.status["n2"] = [listed()], {THERE}, 4
    assert surveyed().remove(THEIRS, OWN)
    assert consul.sent == [(HERE, *CATALOG)]


def test_what_was_mended_in_between_is_left(consul: FakeConsul) -> None:
    """The same identifier with another port is Registrator's new registration."""
    consul.services[HERE] = {"web": service(port=81)}
    assert not surveyed().remove(entry(), OWN)
    assert consul.sent == []


@pytest.mark.parametrize("node", [entry(), THEIRS])
def test_what_is_gone_by_now_is_no_change(consul: FakeConsul, node: Entry) -> None:
    """Registrator was faster."""
    assert not surveyed().remove(node, OWN)
    assert consul.sent == []


def test_what_goes_in_the_last_moment_is_no_change(consul: FakeConsul) -> None:
    """The agent refuses an identifier that it no longer knows."""
    consul.services[HERE], consul.refuses = {"web": service()}, True
    assert not surveyed().remove(entry(), OWN)


def test_an_agent_that_is_alive_and_silent_says_what_to_do(consul: FakeConsul) -> None:
    """The catalog is no way around it: the service would come back."""
    consul.silent, consul.catalog = {THERE}, [listed()]
    with pytest.raises(Unreachable, match="See agent_url_template"):
        surveyed().remove(THEIRS, OWN)
    assert consul.sent == []


def test_another_nodes_agent_is_not_touched(consul: FakeConsul) -> None:
    """A template that leads to the wrong agent deregisters nothing there."""
    consul.services[HERE] = {"web": service()}
    with pytest.raises(ConsulError, match="is the agent of node n1 in dc1, not of n2"):
        audit_client.AuditClient(Connection(url=HERE), HERE).remove(THEIRS, OWN)
    assert consul.sent == []
