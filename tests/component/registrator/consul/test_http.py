"""Requests to the agent: over TCP, TLS or a socket, with a token or a password, persistent."""

from __future__ import annotations

import base64
import pathlib
import shutil
import threading
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import settings
from registrator.consul.client import ConsulClient
from registrator.domain.interfaces import RegistryError
from registrator.domain.settings import FatalError

from ..loopback import Certificates, Loopback

LEADER = "/v1/status/leader"


def agent(loopback: Loopback, **changes: Any) -> ConsulClient:
    """A client of this agent."""
    return ConsulClient(settings(registry=loopback.url, **changes), 2.0)


def asked(loopback: Loopback, **changes: Any) -> dict[str, str]:
    """The headers that arrive with a question."""
    agent(loopback, **changes).get(LEADER)
    return loopback.headers[-1]


def test_a_connection_is_kept(loopback: Loopback) -> None:
    """A cycle of many requests opens one connection."""
    client = agent(loopback)
    for number in range(3):
        client.put(f"/v1/agent/service/deregister/{number}")
    assert (len(loopback.asked), loopback.connections) == (3, 1)


def test_a_body_is_json(loopback: Loopback) -> None:
    """What is registered arrives as it was meant."""
    agent(loopback).put("/v1/agent/service/register", {"ID": "wéb"})
    assert loopback.bodies == ['{"ID": "w\\u00e9b"}']


def test_a_socket_is_an_agent(unix: Loopback) -> None:
    """consul-unix:// speaks HTTP through a file, on one connection too."""
    unix.answers[f"GET {LEADER}"] = 200, '"10.0.0.1:8300"'
    client = agent(unix)
    assert [client.get(LEADER), client.get(LEADER)] == ["10.0.0.1:8300"] * 2
    assert unix.connections == 1


def test_a_socket_that_is_not_there_is_an_outage(tmp_path: pathlib.Path) -> None:
    """The message names the file."""
    client = ConsulClient(settings(registry=f"unix://{tmp_path}/consul.sock"), 1.0)
    with pytest.raises(RegistryError, match=r"consul\.sock.*No such file"):
        client.get(LEADER)


def test_several_threads_may_ask_at_once(unix: Loopback) -> None:
    """The loop registers a few services at a time."""
    client = agent(unix)
    threads = [threading.Thread(target=client.get, args=(LEADER,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unix.asked == [f"GET {LEADER}"] * 8


def test_a_redirect_is_an_outage(loopback: Loopback) -> None:
    """A PUT that were sent elsewhere as a GET would look like a registration."""
    loopback.answers["PUT /v1/kv/web"] = 301, ""
    with pytest.raises(RegistryError):
        agent(loopback).put("/v1/kv/web")
    assert loopback.asked == ["PUT /v1/kv/web"]


def test_a_proxy_does_not_come_between(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent is this host's own, whatever the proxy for everything else is."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert asked(loopback)


# Tokens and passwords.


def test_a_token_is_sent(loopback: Loopback) -> None:
    """The token of the environment goes with each request."""
    assert asked(loopback, token="secret")["X-Consul-Token"] == "secret"


def test_without_a_token_none_is_sent(loopback: Loopback) -> None:
    """An empty token is the anonymous one."""
    headers = asked(loopback)
    assert "X-Consul-Token" not in headers
    assert "Authorization" not in headers


def test_a_token_file_beats_the_token_and_is_read_anew(
    loopback: Loopback, tmp_path: pathlib.Path
) -> None:
    """A rotated token is in use at the next request, without a restart."""
    file = tmp_path / "token"
    client = agent(loopback, token="old", token_file=str(file))
    for token in ("first", "second", "third"):
        file.write_text(f"{token}\n", encoding="utf-8")
        client.get(LEADER)
    tokens = [headers["X-Consul-Token"] for headers in loopback.headers]
    assert tokens == ["first", "second", "third"]


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_token_file_without_a_token_is_an_outage(
    loopback: Loopback, tmp_path: pathlib.Path, text: str | None
) -> None:
    """A token that is being rotated is waited for, and nothing is asked as anybody else."""
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError, match=str(file)):
        agent(loopback, token="old", token_file=str(file)).get(LEADER)
    assert loopback.asked == []


def test_a_token_fingerprint_changes_with_the_token_and_does_not_reveal_it(
    loopback: Loopback, tmp_path: pathlib.Path
) -> None:
    """It identifies what was registered with another token; without a token it is empty."""
    file = tmp_path / "token"
    client = agent(loopback, token_file=str(file))
    fingerprints = []
    for token in ("first", "second", "first"):
        file.write_text(f"{token}\n", encoding="utf-8")
        fingerprints.append(client.token_fingerprint())
    assert fingerprints[0] == fingerprints[2] != fingerprints[1]
    assert "first" not in fingerprints[0]
    assert agent(loopback).token_fingerprint() == ""


def test_a_fingerprint_of_a_token_that_is_missing_is_an_outage(
    loopback: Loopback, tmp_path: pathlib.Path
) -> None:
    """Nothing is concluded from a token that cannot be read."""
    with pytest.raises(RegistryError):
        agent(loopback, token_file=str(tmp_path / "token")).token_fingerprint()


@pytest.mark.parametrize("token", ["first\nsecond", "two words", "gehe\u00efm"])
def test_a_token_that_is_none_is_told_without_itself(loopback: Loopback, token: str) -> None:
    """A file with two lines does not put its secret into the log."""
    with pytest.raises(RegistryError, match="token") as caught:
        agent(loopback, token=token).get(LEADER)
    assert token.split()[0] not in str(caught.value)
    assert loopback.asked == []


@pytest.mark.parametrize(
    ("auth", "sent"), [("me:pass:word", "me:pass:word"), ("me", "me:"), ("mé:ü", "mé:ü")]
)
def test_a_password_is_sent(loopback: Loopback, auth: str, sent: str) -> None:
    """CONSUL_HTTP_AUTH is a user and a password for the proxy in front of the agent."""
    kind, encoded = asked(loopback, auth=auth)["Authorization"].split()
    assert (kind, base64.b64decode(encoded).decode()) == ("Basic", sent)


def test_a_password_is_not_taken_from_netrc(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """What the daemon sends is what it was told to."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    assert "Authorization" not in asked(loopback)


# TLS.


def trusting(certificates: Certificates, **changes: Any) -> dict[str, Any]:
    """Settings that trust the agent's authority and expect its name."""
    return {
        "ca_file": certificates.path("ca.pem"),
        "tls_server_name": "server.dc1.consul",
        **changes,
    }


def test_an_authority_vouches_for_the_agent(tls: Loopback, certificates: Certificates) -> None:
    """CONSUL_CACERT and CONSUL_TLS_SERVER_NAME say whom to trust and what it is called."""
    client = agent(tls, **trusting(certificates))
    client.get(LEADER)
    client.get(LEADER)
    assert tls.connections == 1


def test_a_folder_of_authorities_is_read(
    tls: Loopback, certificates: Certificates, tmp_path: pathlib.Path
) -> None:
    """CONSUL_CAPATH holds files of any name, as Consul's own tools take them."""
    shutil.copy(certificates.path("ca.pem"), tmp_path / "our-authority.txt")
    shutil.copy(certificates.path("client.pem"), tmp_path / "another")
    assert asked(tls, **trusting(certificates, ca_file="", ca_path=str(tmp_path)))


@pytest.mark.parametrize(
    "changes", [{"ca_file": ""}, {"tls_server_name": ""}, {"tls_server_name": "other.consul"}]
)
def test_a_stranger_is_not_talked_to(
    tls: Loopback, certificates: Certificates, changes: dict[str, str]
) -> None:
    """An unknown authority or another name is an outage: the token stays here."""
    with pytest.raises(RegistryError, match=r"certificate verify failed|doesn't match"):
        agent(tls, token="secret", **trusting(certificates, **changes)).get(LEADER)
    assert tls.asked == []


def test_a_rotated_authority_is_trusted_after_a_failure(
    tls: Loopback, certificates: Certificates, tmp_path: pathlib.Path
) -> None:
    """The file is read again: the client need not start again."""
    file = tmp_path / "ca.pem"
    shutil.copy(certificates.path("client.pem"), file)
    client = agent(tls, **trusting(certificates, ca_file=str(file)))
    with pytest.raises(RegistryError, match="certificate verify failed"):
        client.get(LEADER)
    shutil.copy(certificates.path("ca.pem"), file)
    client.get(LEADER)
    assert tls.asked == [f"GET {LEADER}"]


def test_a_certificate_may_go_unverified(tls: Loopback) -> None:
    """CONSUL_HTTP_SSL_VERIFY=false trusts everybody, and says nothing at each request."""
    assert asked(tls, tls_verify=False)


def test_a_client_shows_its_certificate(mutual: Loopback, certificates: Certificates) -> None:
    """CONSUL_CLIENT_CERT and its key open an agent that asks for them."""
    pair = {name: certificates.path(f"client.{end}") for name, end in CERTIFICATE}
    assert asked(mutual, **trusting(certificates, **pair))


def test_a_client_without_its_certificate_is_an_outage(
    mutual: Loopback, certificates: Certificates
) -> None:
    """The agent's refusal is told, and tried again."""
    with pytest.raises(RegistryError):
        agent(mutual, **trusting(certificates)).get(LEADER)


CERTIFICATE = (("client_cert", "pem"), ("client_key", "key"))


@pytest.mark.parametrize(
    "changes",
    [
        {"ca_file": "/nowhere/ca.pem"},
        {"ca_path": "/nowhere"},
        {"client_cert": "/nowhere/cert.pem", "client_key": "/nowhere/key.pem"},
    ],
)
def test_a_file_that_is_none_is_fatal(changes: dict[str, str]) -> None:
    """A path with a typing error is told at the start."""
    with pytest.raises(FatalError, match="Cannot set up TLS"):
        ConsulClient(settings(registry="https://127.0.0.1:8501", **changes), 1.0)
