"""A stranger at a secure cluster is refused, and is told so, whichever key it lacks."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import json
import pathlib
import re
import socket
import ssl
import urllib.error
from collections.abc import Iterator

import pytest
from rollcall_agents.agent import LOCAL, Agent
from rollcall_agents.certificates import Authority
from rollcall_agents.clusters import client, joining, running
from rollcall_agents.secure_cluster import (
    ONE,
    PLACES,
    SERVER,
    Secrets,
    SecureCluster,
    plain,
    secure_cluster,
)

SPARE_KEY = "cm9sbGNhbGwgcm9sbGNhbGwgcm9sbGNhbGwgcm9sbGM="
# What a connection to the port of the servers begins with, by Consul's agent/pool/conn.go.
RPC, RAFT, TLS = b"\x00", b"\x01", b"\x03"


@pytest.fixture(scope="module", name="cluster")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureCluster]:
    """One for all strangers that are no server, each with a name of its own."""
    with secure_cluster(tmp_path_factory.mktemp("closed")) as found:
        yield found


@pytest.fixture(name="own_cluster")
def _own_cluster(tmp_path: pathlib.Path) -> Iterator[SecureCluster]:
    """One for a stranger that is a server: clients ask it too, until its loss is noticed."""
    with secure_cluster(tmp_path) as found:
        yield found


def says(agent: Agent, text: str, seconds: float = 60) -> None:
    """Wait until an agent has said something in its log, as a pattern."""
    log = agent.folder / "log"
    agent.ready(f"{text!r} in the log", lambda: re.search(text, log.read_text()), seconds)


def hasty(agent: Agent) -> Agent:
    """The agent holds no request back for 7 s and more in the hope of a leader."""
    more = ("-hcl", 'performance { rpc_hold_timeout = "1s" }')
    return dataclasses.replace(agent, arguments=(*agent.arguments, *more))


def members(agent: Agent) -> set[str]:
    """Who is in the gossip, by an agent's word."""
    return {each["Name"] for each in agent.get("/v1/agent/members")}


def healthy(agent: Agent) -> set[str]:
    """Servers that could have a vote, once the autopilot knows of two."""
    known = agent.get("/v1/operator/autopilot/state")["Servers"].values()
    return {each["Name"] for each in known if each["Healthy"]} if len(known) > 1 else set()


# Without what the gossip needs


@pytest.mark.parametrize(
    ("name", "given", "refusal"),
    [
        ("keyless", (), "Encryption is configured but remote state is not encrypted"),
        ("foreign", (f"-encrypt={SPARE_KEY}",), "No installed keys could decrypt the message"),
    ],
)
def test_without_the_gossip_key_nobody_joins(
    cluster: SecureCluster, tmp_path: pathlib.Path, name: str, given: tuple[str, ...], refusal: str
) -> None:
    """With no key and with that of another cluster: neither side ever has the other for one."""
    first = cluster.agents[SERVER]
    stranger = client(name, tmp_path, *given, *joining(first.gossip))
    with running(stranger):
        says(first, refusal)
        says(stranger, "couldn't join: number_of_nodes=0")
        assert name not in members(first)
        assert members(stranger) == {name}


# With the gossip key, and no certificate that counts


def test_with_a_certificate_of_its_own_nobody_is_heard(
    cluster: SecureCluster, tmp_path: pathlib.Path
) -> None:
    """Whoever has the gossip key is a member; what it asks a server is refused."""
    theirs = Secrets.make(tmp_path / "secrets")
    theirs.issue("selfmade", "client")
    for name in ("gossip.key", "ca.pem"):
        theirs.put(name, (cluster.secrets.folder / name).read_text())
    first = cluster.agents[SERVER]
    stranger = hasty(theirs.agent("client", "selfmade", tmp_path, first.gossip))
    with running(stranger):
        says(first, "rpc: failed to read byte: .* certificate signed by unknown authority")
        stranger.ready("the gossip", lambda: "selfmade" in members(first))
        answer = plain(stranger).ask("GET", "/v1/catalog/nodes")
        assert (answer.status, answer.headers["X-Consul-Knownleader"]) == (500, "false")
        assert "rpc error" in answer.text


def test_a_clients_certificate_makes_no_server(
    own_cluster: SecureCluster, tmp_path: pathlib.Path
) -> None:
    """By the gossip it offers itself as a server; the leader tells it nothing, nor counts on it."""
    first = own_cluster.agents[SERVER]
    own_cluster.secrets.issue("usurper", "client")
    # The second place, where nobody is, has it wait for others rather than lead itself.
    places = (first.gossip, f"{LOCAL}:1")
    stranger = hasty(own_cluster.secrets.agent("server", "usurper", tmp_path, *places))
    refusal = "certificate is valid for .*client.dc1.consul.*, not server.dc1.consul"
    with running(stranger):
        says(first, f'failed to appendEntries to: peer="{{Nonvoter .*{refusal}')
        peers = first.get("/v1/operator/raft/configuration")["Servers"]
        assert {each["Node"]: each["Voter"] for each in peers} == {SERVER: True, "usurper": False}
        first.ready("the autopilot's judgement", lambda: healthy(first) == {SERVER})
        says(stranger, "aborting election")
        assert stranger.ask("GET", "/v1/catalog/nodes?stale").status == 500
        assert stranger.get("/v1/status/leader") == ""


def test_a_clients_certificate_speaks_no_raft(cluster: SecureCluster) -> None:
    """Whoever has one may ask a server as a client does, and not as another server."""
    with speaking(cluster, SERVER) as line:
        line.sendall(RAFT)
        line.settimeout(1)
        with pytest.raises(TimeoutError):
            line.recv(1)
    with speaking(cluster, ONE) as line:
        line.sendall(RAFT)
        assert line.recv(1) == b""
    says(cluster.agents[SERVER], r"AuthorizeServerConn failed[^*]*\* .* not server.dc1.consul")


def test_the_servers_port_is_closed_without_a_certificate(cluster: SecureCluster) -> None:
    """TLS alone does not do."""
    with speaking(cluster, None) as line:
        line.sendall(RPC)
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            line.recv(1)
    says(cluster.agents[SERVER], "client didn't provide a certificate")


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (RPC, "Non-TLS connection attempted with VerifyIncoming set"),
        (RAFT, "Non-TLS connection attempted with VerifyIncoming set"),
        (b"GET / HTTP/1.1\r\n\r\n", "TLS handshake failed"),
    ],
    ids=["rpc", "raft", "http"],
)
def test_the_servers_port_is_closed_to_plain_words(
    cluster: SecureCluster, words: bytes, refusal: str
) -> None:
    """The connection ends without an answer."""
    first = cluster.agents[SERVER]
    with socket.create_connection((first.address, first.port_of("server")), 5) as line:
        line.sendall(words)
        assert line.recv(1) == b""
        says(first, f"{refusal}: conn=from={LOCAL}:{line.getsockname()[1]}")


# Over HTTP


@pytest.mark.parametrize("node", PLACES)
def test_plain_http_is_heard_on_loopback_alone(cluster: SecureCluster, node: str) -> None:
    """And nothing listens but gossip, RPC and HTTPS elsewhere."""
    agent = cluster.agents[node]
    near = plain(agent)
    assert near.get("/v1/agent/self")["Config"]["NodeName"] == node
    with pytest.raises(urllib.error.URLError, match="Connection refused"):
        dataclasses.replace(near, address=agent.address).get("/v1/status/leader")
    astray = dataclasses.replace(agent, authority=None).ask("GET", "/v1/status/leader")
    assert (astray.status, astray.text) == (
        *(400, "Client sent an HTTP request to an HTTPS server.\n"),
    )
    rpc = {(agent.address, agent.port_of("server"))} if node == SERVER else set()
    assert listening(agent) == rpc | {
        *((agent.address, agent.port_of("serf-lan")), ("0.0.0.0", agent.port)),
        (LOCAL, near.port),
    }


def test_who_trusts_another_authority_believes_no_agent(
    cluster: SecureCluster, tmp_path: pathlib.Path
) -> None:
    """Nor would it show one a token."""
    other = Authority.make(tmp_path, "other")
    stranger = dataclasses.replace(cluster.agents[ONE], authority=other.pem)
    with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
        stranger.get("/v1/status/leader")


@pytest.mark.parametrize("token", ["", "anonymous", SPARE_KEY], ids=["none", "anonymous", "wrong"])
def test_without_a_token_nothing_is_read_and_nothing_registered(
    cluster: SecureCluster, token: str
) -> None:
    """At any agent: an empty list where Consul filters, and a refusal where it does not."""
    for node in PLACES:
        stranger = cluster.by(token, node)
        for path in ("catalog/nodes", "catalog/services", "agent/members", "health/state/any"):
            answer = stranger.ask("GET", f"/v1/{path}")
            assert answer.status == 403 or json.loads(answer.text) in ([], {}), answer
        for path in ("agent/self", "kv/rollcall/haproxy/settings", "operator/keyring"):
            assert stranger.ask("GET", f"/v1/{path}").status == 403
        answer = stranger.ask("PUT", "/v1/agent/service/register", {"Name": "strange"})
        assert answer.status == 403
        assert re.search("lacks permission|ACL not found|Permission denied", answer.text)
    assert cluster.agents[SERVER].catalog("strange") == set()


# How they are asked


@contextlib.contextmanager
def speaking(cluster: SecureCluster, node: str | None) -> Iterator[ssl.SSLSocket]:
    """TLS to the server's port, with the certificate of a node, or none."""
    first, folder = cluster.agents[SERVER], cluster.secrets.folder
    trusted = ssl.create_default_context(cafile=folder / "ca.pem")
    if node:
        trusted.load_cert_chain(*(folder / "agents" / f"{node}.{end}" for end in ("pem", "key")))
    with socket.create_connection((first.address, first.port_of("server")), 5) as line:
        line.sendall(TLS)
        with trusted.wrap_socket(line, server_hostname="server.dc1.consul") as wrapped:
            yield wrapped


def listening(agent: Agent) -> set[tuple[str, int]]:
    """Where the agent's process listens for TCP, by the kernel's word."""
    assert agent.process is not None
    own = set()
    for each in pathlib.Path(f"/proc/{agent.process.pid}/fd").iterdir():
        # A connection may end while we look.
        with contextlib.suppress(FileNotFoundError):
            own.add(str(each.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _slot, place, _peer, state, *_more = fields = line.split()
            if state == "0A" and f"socket:[{fields[9]}]" in own:
                address, port = place.split(":")
                # Little-endian; what is all zeros is everywhere, in either family.
                last = bytes.fromhex(address)[-4:][::-1]
                found.add((str(ipaddress.IPv4Address(last)), int(port, 16)))
    return found
