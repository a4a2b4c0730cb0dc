"""The agent's HTTP interface as services, refusals and outages."""

from __future__ import annotations

import contextlib
import json

import pytest
import urllib3
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    HOST_IP,
    ours,
    service,
    settings,
)
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import FakeSource, Wire
from registrator.consul.agent_registry import AgentRegistry
from registrator.consul.client import ConsulClient
from registrator.domain.interfaces import AwayError, RefusedError, RegistryError
from registrator.domain.plan import registration
from registrator.sync.reconciler import Reconciler

SERVICES = "GET /v1/agent/services"
REGISTER = "PUT /v1/agent/service/register?replace-existing-checks=true"
DEREGISTER = "PUT /v1/agent/service/deregister/"


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The agent that every connection leads to."""
    wire = Wire()
    monkeypatch.setattr(urllib3.HTTPConnectionPool, "request", wire.request)
    return wire


@pytest.fixture
def registry(wire: Wire) -> AgentRegistry:
    """The agent behind that wire, without a token."""
    return AgentRegistry(ConsulClient(settings(), 1.0))


def listing(*identifiers: str) -> tuple[int, str]:
    """The agent's answer that lists services which this host's daemon registered."""
    bodies = [registration(service(identifier), HOST).body for identifier in identifiers]
    found = {body["ID"]: {**body, "Service": body["Name"]} for body in bodies}
    return 200, json.dumps(found)


def test_services_are_read_back(wire: Wire, registry: AgentRegistry) -> None:
    """What was registered is what a plan finds again."""
    wire.answers[SERVICES] = listing("host-1:web:80")
    assert registry.services() == {"host-1:web:80": ours(service("host-1:web:80"))}


def test_a_bare_service_is_read(wire: Wire, registry: AgentRegistry) -> None:
    """Consul leaves out or nulls what a service does not have."""
    wire.answers[SERVICES] = 200, '{"db": {"ID": "db", "Service": "db", "Tags": null}}'
    [found] = registry.services().values()
    assert (found.address, found.port, found.tags, found.meta) == ("", 0, (), {})


def test_what_checks_say_is_told_by_service(wire: Wire, registry: AgentRegistry) -> None:
    """In any words, as long as they are others when a check is; the node's own are left out."""
    checks = {
        "service:a:2": {"ServiceID": "a", "Status": "critical"},
        "service:a:1": {"ServiceID": "a", "Status": "passing"},
        "mem": {"ServiceID": "", "Status": "passing"},
    }
    wire.answers["GET /v1/agent/checks"] = 200, json.dumps(checks)
    assert registry.check_states() == {"a": "service:a:1 passing, service:a:2 critical"}


def test_an_answer_that_lists_no_checks_is_an_outage(wire: Wire, registry: AgentRegistry) -> None:
    """As from somebody else at the agent's place."""
    wire.answers["GET /v1/agent/checks"] = 200, "[1]"
    with pytest.raises(RegistryError, match="did not list its checks"):
        registry.check_states()


def test_an_agent_that_has_just_started_is_away(wire: Wire, registry: AgentRegistry) -> None:
    """As one that does not answer; a cluster without a leader is not."""
    wire.answers[SERVICES] = 403, "ACL system must be bootstrapped before making any requests"
    with pytest.raises(AwayError):
        registry.services()
    wire.answers[SERVICES] = 500, "No cluster leader"
    with pytest.raises(RegistryError) as caught:
        registry.services()
    assert not isinstance(caught.value, AwayError)
    wire.broken = True
    with pytest.raises(AwayError):
        registry.services()


def test_a_registration_replaces_the_checks(wire: Wire, registry: AgentRegistry) -> None:
    """A check that is no longer wanted does not stay behind."""
    body = registration(service(), HOST).body
    registry.register(body)
    assert wire.sent == [(REGISTER, body, {"Accept-Encoding": "gzip"})]


@pytest.mark.parametrize(
    ("identifier", "path"),
    [
        ("host-1:web:80", "host-1:web:80"),
        ("shop/1", "shop%2F1"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("../leave", "..%2Fleave"),
    ],
)
def test_an_identifier_is_quoted(
    wire: Wire, registry: AgentRegistry, identifier: str, path: str
) -> None:
    """No identifier leads to another address of the agent."""
    registry.deregister(identifier)
    assert wire.lines == [DEREGISTER + path]


def test_deregistering_what_is_gone_is_no_error(wire: Wire, registry: AgentRegistry) -> None:
    """The agent does not know the service: that is what was wanted."""
    wire.answers[DEREGISTER + "web"] = 404, 'Unknown service ID "web"'
    registry.deregister("web")
    assert wire.lines == [DEREGISTER + "web"]


def test_a_forbidden_deregistration_is_refused(wire: Wire, registry: AgentRegistry) -> None:
    """A service that may not be deregistered is not gone, whatever its identifier contains."""
    wire.answers[DEREGISTER + "web:404"] = 403, 'lacks permission for service "web:404"'
    with pytest.raises(RefusedError, match="403"):
        registry.deregister("web:404")


def test_a_deregistration_in_an_outage_is_tried_later(wire: Wire, registry: AgentRegistry) -> None:
    """An agent in trouble keeps the service for now."""
    wire.answers[DEREGISTER + "web"] = 500, "No cluster leader"
    with pytest.raises(RegistryError, match="No cluster leader"):
        registry.deregister("web")


def test_a_service_that_cannot_go_keeps_no_other(wire: Wire, registry: AgentRegistry) -> None:
    """One deregistration that the agent refuses does not keep the other ghosts alive."""
    wire.answers[SERVICES] = listing("host-1:stuck:80", "host-1:ghost:80")
    wire.answers[DEREGISTER + "host-1:stuck:80"] = 403, "Permission denied"
    with contextlib.suppress(RegistryError):
        Reconciler(FakeSource(), registry, settings(), HOST_IP).cycle()
    assert DEREGISTER + "host-1:ghost:80" in wire.lines


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_refusal_concerns_one_service(wire: Wire, registry: AgentRegistry, status: int) -> None:
    """What the agent will not register is refused in its own words."""
    wire.answers[REGISTER] = status, "Invalid check: bad interval\n"
    with pytest.raises(RefusedError, match=f"^{status} Invalid check: bad interval$"):
        registry.register(registration(service(), HOST).body)


@pytest.mark.parametrize("status", [301, 401, 408, 429, 500, 502, 503])
def test_an_agent_in_trouble_is_asked_later(
    wire: Wire, registry: AgentRegistry, status: int
) -> None:
    """A server's error, a limit or a lost login says nothing about the service."""
    wire.answers[REGISTER] = status, "No cluster leader"
    with pytest.raises(RegistryError, match="No cluster leader"):
        registry.register(registration(service(), HOST).body)


@pytest.mark.parametrize("status", [403, 500])
def test_an_unreadable_list_is_an_outage(wire: Wire, registry: AgentRegistry, status: int) -> None:
    """Without the list nothing is known, whether it was forbidden or failed."""
    wire.answers[SERVICES] = status, "no"
    with pytest.raises(RegistryError):
        registry.services()


@pytest.mark.parametrize("text", ["<html>Service starting</html>", "[]", '{"web": {}}', "null"])
def test_an_answer_that_is_no_list_is_an_outage(
    wire: Wire, registry: AgentRegistry, text: str
) -> None:
    """A proxy's page in the place of the list ends no daemon."""
    wire.answers[SERVICES] = 200, text
    with pytest.raises(RegistryError):
        registry.services()


def test_an_agent_that_is_away_is_an_outage(wire: Wire, registry: AgentRegistry) -> None:
    """No connection is told with the address that was tried."""
    wire.broken = True
    with pytest.raises(RegistryError, match=r"Consul at http://127\.0\.0\.1:8500: .*refused"):
        registry.services()


@pytest.mark.parametrize("leader", ["10.0.0.1:8300", ""])
def test_the_leader_is_asked_for(wire: Wire, registry: AgentRegistry, leader: str) -> None:
    """The start-up ping is content with a cluster that has no leader yet."""
    wire.answers["GET /v1/status/leader"] = 200, json.dumps(leader)
    assert registry.leader() == leader


# Checks.


def test_a_check_is_reported(wire: Wire, registry: AgentRegistry) -> None:
    """Docker's word on a container reaches the check of its service."""
    registry.update_check("service:host-1:web:80", "passing", "healthy")
    [(line, body, _headers)] = wire.sent
    assert line == "PUT /v1/agent/check/update/service:host-1:web:80"
    assert body == {"Status": "passing", "Output": "healthy"}


def test_a_check_that_is_gone_is_refused(wire: Wire, registry: AgentRegistry) -> None:
    """A report on a service that is registered no more ends no cycle."""
    wire.answers["PUT /v1/agent/check/update/service:web"] = 404, 'Unknown check ID "service:web"'
    with pytest.raises(RefusedError, match="Unknown check ID"):
        registry.update_check("service:web", "passing", "healthy")
