"""The daemon reads what Consul really answers: the recordings that it shares with the modules."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import urllib3
from ansible_collections.rollcall.discovery.tests.support.recorded import file_of
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import HOST, settings
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import Wire
from registrator.consul.agent_registry import AgentRegistry
from registrator.consul.client import ConsulClient
from registrator.domain.interfaces import RefusedError, RegistryError
from registrator.domain.model import Registered
from registrator.domain.plan import container_of, is_ours


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The agent that every connection leads to."""
    wire = Wire()
    monkeypatch.setattr(urllib3.HTTPConnectionPool, "request", wire.request)
    return wire


@pytest.fixture
def registry(wire: Wire) -> AgentRegistry:
    """The agent behind that wire."""
    return AgentRegistry(ConsulClient(settings(), 1.0))


def play(wire: Wire, name: str, request: str = "") -> Any:
    """Let the agent answer as Consul did in a recording, to its request or another; the answer."""
    found = json.loads(file_of(name).read_text(encoding="utf-8"))
    refused = found["status"] >= 400
    text = found["answer"] if refused else json.dumps(found["answer"])
    wire.answers[request or found["request"]] = found["status"], text
    return found["answer"]


def test_services_are_read_and_told_from_others(wire: Wire, registry: AgentRegistry) -> None:
    """One of the three is this host's: a module registered another, and one is only a name."""
    play(wire, "agent-services")
    found = registry.services()
    assert set(found) == {"bare", "host-1:shop:80", "web-1"}
    assert [entry.id for entry in found.values() if is_ours(entry, HOST)] == ["host-1:shop:80"]
    assert not any(is_ours(entry, "host-2") for entry in found.values())
    assert found["bare"] == Registered("bare", "bare", "", 0, (), {})
    shop = found["host-1:shop:80"]
    assert (shop.name, shop.address, shop.port, shop.tags) == ("shop", "10.0.0.1", 32768, ("blue",))
    assert (shop.meta["team"], container_of(shop)) == ("a", "0123456789ab")


@pytest.mark.parametrize("name", ["status-leader", "leaderless-leader"])
def test_the_ping_takes_either_answer(wire: Wire, registry: AgentRegistry, name: str) -> None:
    """A leader's address, and the empty text of an agent that knows none."""
    leader = play(wire, name)
    assert registry.leader() == leader


def test_what_the_agent_does_not_know_is_gone(wire: Wire, registry: AgentRegistry) -> None:
    """Its words on a service that nobody has are no trouble."""
    play(wire, "deregister-unknown")
    registry.deregister("nobody")
    assert wire.lines == ["PUT /v1/agent/service/deregister/nobody"]


def test_a_report_on_nothing_is_refused(wire: Wire, registry: AgentRegistry) -> None:
    """In the agent's words."""
    words = play(wire, "check-update-unknown")
    with pytest.raises(RefusedError, match=re.escape(words)):
        registry.update_check("service:nobody", "passing", "healthy")


@pytest.mark.parametrize("name", ["register-bad-meta", "powerless-register"])
def test_a_service_that_consul_will_not_have_is_refused(
    wire: Wire, registry: AgentRegistry, name: str
) -> None:
    """It concerns this one only, and the agent says why."""
    words = play(wire, name, "PUT /v1/agent/service/register?replace-existing-checks=true")
    with pytest.raises(RefusedError, match=re.escape(words)):
        registry.register({"ID": "web-1", "Name": "web"})


@pytest.mark.parametrize("name", ["anonymous-self", "stranger-self", "leaderless-services"])
def test_a_list_that_is_kept_back_is_an_outage(
    wire: Wire, registry: AgentRegistry, name: str
) -> None:
    """Without it nothing is known, and nothing may be taken for gone."""
    words = play(wire, name, "GET /v1/agent/services")
    with pytest.raises(RegistryError, match=re.escape(words)):
        registry.services()
