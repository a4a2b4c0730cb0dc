"""The instance sees what the client said, and where the request came from."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Answer, ask
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

WEB = [{"name": "web"}]
STRANGER = "203.0.113.9"
# What programs believe of where a request came from, and of what was asked.
CLAIMS = {
    "X-Forwarded-For": STRANGER,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "bank.example",
    "X-Forwarded-Port": "4443",
    "X-Real-IP": STRANGER,
    "Forwarded": f"for={STRANGER};host=bank.example;proto=https",
    "Proxy": "http://bank.example:3128",
    "X-Original-URL": "/admin",
    "X-Rewrite-URL": "/admin",
    # CGI and WSGI take it for X-Forwarded-For.
    "X_Forwarded_For": STRANGER,
}


def told(answer: Answer) -> dict[str, str]:
    """The headers that the instance was sent, in small letters."""
    return {name.lower(): value for name, value in json.loads(answer.text).items()}


def sees(stage: Stage, **more: Any) -> dict[str, str]:
    """The headers that the instance is sent for a request."""
    return told(stage.get("/headers", **more))


@pytest.fixture
def peer(stage: Stage) -> str:
    """The address from which the stories ask."""
    if stage.place.address != "127.0.0.1":
        pytest.skip("the address of who asks is unknown elsewhere")
    return stage.place.address


def test_a_host_with_a_trailing_dot_is_the_same_host(stage: Stage) -> None:
    """Its service is found."""
    stage.backend("one", "shop")
    stage.backend("two", "wild")
    services = [
        {"name": "shop", "hosts": ["shop.example"]},
        {"name": "wild", "hosts": ["*.wild.example"]},
    ]
    stage.start(services=services)
    stage.rotates(shop=1, wild=1)
    asked = {
        "shop.example.": "one /",
        "SHOP.example.:80": "one /",
        "a.wild.example.": "two /",
    }
    assert {host: stage.get(host=host).text for host in asked} == asked
    assert stage.get(host="other.example.").status == 404


def test_the_instance_sees_the_host_as_the_client_said_it(stage: Stage, peer: str) -> None:
    """With its port, case and dot; and the client's address, the scheme and the port asked."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    said = f"Shop.example.:{stage.port}"
    seen = sees(stage, host=said)
    assert (seen["host"], seen["x-forwarded-host"]) == (said, said)
    assert seen["x-forwarded-port"] == str(stage.port)
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == peer


@pytest.mark.parametrize(
    "trusted", [[], ["192.0.2.0/24"]], ids=["nobody trusted", "others trusted"]
)
def test_what_a_stranger_claims_does_not_pass(stage: Stage, peer: str, trusted: list[str]) -> None:
    """It is overwritten with what is so, or removed, whatever the case of its name."""
    stage.backend("one")
    stage.start(services=WEB, real_ip_from=trusted)
    stage.serving("one")
    honest = sees(stage, host="shop.example")
    for claims in (CLAIMS, {name.lower(): value for name, value in CLAIMS.items()}):
        assert sees(stage, host="shop.example", headers=claims) == honest
    assert honest["x-forwarded-for"] == peer


def test_a_trusted_proxy_is_believed(stage: Stage, peer: str) -> None:
    """Its own address comes after the client's, and the log names the client."""
    stage.backend("one")
    stage.start(services=WEB, real_ip_from=[stage.place.network])
    stage.serving("one")
    claims = {
        "X-Forwarded-For": STRANGER,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example:8443",
        "X-Forwarded-Port": "8443",
    }
    seen = sees(stage, host="one.internal", headers=claims)
    assert seen["x-forwarded-for"] == f"{STRANGER}, {peer}"
    assert seen["x-real-ip"] == STRANGER
    assert seen["host"] == "one.internal"
    for name in ("X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"):
        assert seen[name.lower()] == claims[name]
    stage.says(STRANGER)


def test_the_client_is_the_last_that_is_no_trusted_proxy(stage: Stage, peer: str) -> None:
    """What a client claims of itself stands left of it, and is not believed."""
    stage.backend("one")
    stage.start(services=WEB, real_ip_from=[stage.place.network])
    stage.serving("one")
    clients = {
        "6.6.6.6, 203.0.113.9": STRANGER,
        "6.6.6.6, 203.0.113.9, 127.0.0.7": STRANGER,
        "127.0.0.8, 127.0.0.7": "127.0.0.8",
        "6.6.6.6, unknown": peer,
        "2001:db8::1": "2001:db8::1",
        "": peer,
    }
    asked = {chain: sees(stage, headers={"X-Forwarded-For": chain}) for chain in clients}
    assert {chain: seen["x-real-ip"] for chain, seen in asked.items()} == clients


def test_another_header_may_name_the_client(stage: Stage, peer: str) -> None:
    """The proxies' own one; from a stranger it does not pass."""
    own = {"X-Client-Address": STRANGER, "X-Forwarded-For": "6.6.6.6"}
    stage.backend("one")
    settings = {"services": WEB, "real_ip_header": "X-Client-Address"}
    stage.start(**settings, real_ip_from=[stage.place.network])
    stage.serving("one")
    assert sees(stage, headers=own)["x-real-ip"] == STRANGER
    stage.settings(**settings, real_ip_from=["192.0.2.0/24"])
    stage.acknowledged()
    seen = sees(stage, headers=own)
    assert seen["x-real-ip"] == peer
    assert "x-client-address" not in seen


def test_the_addresses_of_instances_are_hidden_unless_they_are_wanted(stage: Stage) -> None:
    """No header of a response says where an instance is."""
    one = stage.backend("one")
    stage.start(services=WEB, backend_header=False)
    stage.serving("one")
    assert str(one.port) not in str(stage.get().headers)
    stage.settings(services=WEB, backend_header=True)
    stage.acknowledged()
    assert stage.get().headers["X-Backend"] == one.place


def test_both_families_of_addresses_are_served(stage: Stage) -> None:
    """Where the host has IPv6."""
    if not (socket.has_ipv6 and stage.place.address == "127.0.0.1"):
        pytest.skip("there is no IPv6 here")
    stage.backend("one")
    stage.start(services=WEB, **stage.tls(main="main.example"))
    stage.serving("one")
    assert ask("::1", stage.port, "/").text == "one /"
    seen = told(ask("::1", stage.port, "/headers"))
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == "::1"
