"""Containers say what they like of themselves; it stays theirs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.backends import Backend
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage
from rollcall_agents.agent import OTHER

REGISTRATIONS: dict[str, dict[str, Any]] = {
    "link local": {"Address": "169.254.169.254", "Port": 80},
    "multicast": {"Address": "224.0.0.1", "Port": 80},
    "loopback of six": {"Address": "::1", "Port": 80},
    "a name": {"Address": "evil.example", "Port": 80},
    "syntax": {"Address": "127.0.0.1:80 #\n  server evil 127.0.0.1:80", "Port": 80},
    "blanks": {"Address": "a b", "Port": 80},
    "not ASCII": {"Address": "\u00e4", "Port": 80},
    "another service": {"Address": "shop.service.consul", "Port": 80},
    "no port": {"Address": "127.0.0.1", "Port": 0},
    "no address": {"Port": 1},
    "tags": {
        "Address": "127.0.0.1",
        "Port": 1,
        "Tags": ["x\nserver evil 127.0.0.1", "${HOME}", '[[ key "a" ]]'],
        "Meta": {"a": "\nfrontend evil"},
        "Weights": {"Passing": 65535, "Warning": 1},
    },
}


def test_an_address_that_no_instance_may_have_gets_no_request(stage: HaproxyStage) -> None:
    """Without networks, what is on loopback beside the balancer is shut and reported."""
    stage.backend("one")
    stage.start(networks=[])
    stage.says("is outside the allowed networks")
    assert {stage.get().status for _ in range(20)} == {503}
    assert stage.backends[0].seen == []


def test_not_one_request_gets_through_while_addresses_change(stage: HaproxyStage) -> None:
    """Under load a slot gets a bad address, loses it and gets it again: it is never asked."""
    stage.backend("one")
    evil = Backend("evil", OTHER)
    stage.backends.append(evil)
    stage.start(networks=["127.0.0.1/32"])
    stage.serving("one")
    load = Load(stage.place.address, stage.port, rate=300)
    said = f"{OTHER}:{evil.port} is outside"
    for times in (1, 2, 3):
        stage.register(evil)
        stage.says(said, times)
        stage.deregister(evil)
        stage.sees("it gone", lambda: OTHER not in stage.addresses())
    assert {sample.outcome for sample in load.end()} == {"200"}
    assert evil.seen == []


def test_a_slot_that_was_shut_serves_the_next_instance(stage: HaproxyStage) -> None:
    """The only slot had a bad address; a good one comes, and is served."""
    stage.agent.register("web", "evil", Address=OTHER, Port=stage.agent.port)
    stage.start(networks=["127.0.0.1/32"], slots=1)
    stage.says("is outside the allowed networks")
    stage.agent.forget()
    stage.backend("one")
    stage.serving("one")


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_one_bad_registration_does_not_harm_its_neighbour(stage: HaproxyStage, name: str) -> None:
    """The good instance answers everything, before and after a reload."""
    stage.backend("one")
    try:
        stage.agent.register("web", "evil", **REGISTRATIONS[name])
    except OSError:
        pytest.skip("Consul itself refuses it")
    stage.start(networks=["127.0.0.1/32"])
    stage.serving("one")
    stage.set("web/maxconn", "50")
    stage.sees("the key", lambda: stage.loaded() == 2)
    assert stage.names() == {"one"}
    assert stage.get("/", host="evil").text.startswith("one")


def test_what_consuls_dns_cannot_say_changes_nothing(stage: HaproxyStage) -> None:
    """A name too long for DNS spoils the service's whole answer: who is known serves on."""
    stage.backend("one")
    stage.start()
    stage.serving("one")
    stage.agent.register("web", "evil", Address="x" * 300, Port=80)
    stage.asks(8)
    assert stage.names() == {"one"}
    stage.agent.call("PUT", "/v1/agent/service/deregister/evil")
    stage.backend("two")
    stage.serving("one", "two")
