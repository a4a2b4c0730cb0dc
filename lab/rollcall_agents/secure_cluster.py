"""A secure cluster as the roles create it: configuration, certificates, policies and tokens."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import pathlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.security import (
    FOLDER,
)

from .agent import FOURTH, LOCAL, OTHER, THIRD, Agent, free_ports
from .certificates import Authority
from .clusters import running
from .modules import run_module
from .roles import Role

MODULE = "rollcall.discovery.consul_acl"
SERVER, ONE, TWO = "server-1", "node-1", "node-2"
# Where other agents reach them: a port on loopback alone is not reachable there.
PLACES = {SERVER: OTHER, ONE: THIRD, TWO: FOURTH}
HOSTS = {"host-1": ONE, "host-2": TWO}
TOKENS = (
    *("bootstrap", "operator", "nginx-lb", "haproxy-lb", "dns"),
    *(f"registrator-{host}" for host in HOSTS),
)
RIGHTS = {
    "agents": list(PLACES),
    "registrators": [{"host": host, "node": node} for host, node in HOSTS.items()],
    # The name of Consul's own service begins as one that they may register.
    "registrator_services": ["web-", "con"],
    "balanced_services": ["web-"],
}


@dataclasses.dataclass(frozen=True)
class Secrets:
    """What the role `secrets` keeps on the controller."""

    folder: pathlib.Path
    authority: Authority

    @classmethod
    def make(cls, folder: pathlib.Path) -> Secrets:
        """New ones, for every agent and token."""
        for name in ("agents", "tokens"):
            (folder / name).mkdir(parents=True)
        made = cls(folder, Authority.make(folder, "ca"))
        made.put("gossip.key", base64.b64encode(os.urandom(32)).decode())
        for node in PLACES:
            made.issue(node, "server" if node == SERVER else "client")
        for name in TOKENS:
            made.put(f"tokens/{name}", str(uuid.uuid4()))
        return made

    def put(self, name: str, content: str) -> None:
        """One of the files."""
        (self.folder / name).write_text(content)

    def issue(self, node: str, kind: str) -> None:
        """An agent's token, and a certificate for all that the role would have it be for."""
        self.put(f"tokens/agent-{node}", str(uuid.uuid4()))
        inputs = {"node": node, "kind": kind, "addresses": [place(node)]}
        (names,) = Role("secrets", inputs).variables("__secrets_alternatives").values()
        self.authority.leaf(f"agents/{node}", *(name.partition(":")[2] for name in names))

    def token(self, name: str) -> str:
        """The secret of a token."""
        return (self.folder / "tokens" / name).read_text()

    def agent(self, kind: str, node: str, folder: pathlib.Path, *join: str) -> Agent:
        """An agent as its role runs it, asked with a token that may do all."""
        address, (http, https, serf, rpc) = place(node), free_ports(4)
        inputs = {
            "profile": "secure",
            "secrets": str(self.folder),
            "node_name": node,
            "bind": address,
            "advertise": address,
            "retry_join": [*join] or [f"{address}:{serf}"],
            "http_port": http,
            "https_port": https,
            "dns_port": -1,
        }
        role = f"consul_{kind}"
        names = ("ca", "certificate", "key", "gossip_key")
        found = Role(role, inputs).variables(
            *(f"{role}_{name}" for name in names), f"__{role}_known_tokens", f"__{role}_command"
        )
        secret = {name: found[f"{role}_{name}"] for name in names}
        credentials = folder / node / "credentials"
        credentials.mkdir(parents=True)
        for each in _files({**secret, "tokens": found[f"__{role}_known_tokens"]}):
            (credentials / each["name"]).write_text(each["content"])
        command = [each.replace(FOLDER, str(credentials)) for each in found[f"__{role}_command"]]
        arguments = (
            *command[command.index("agent") + 1 :],
            *(f"-data-dir={folder / node / 'data'}", "-retry-interval=200ms"),
            *(f"-serf-lan-port={serf}", f"-server-port={rpc}", "-serf-wan-port=-1"),
        )
        return Agent(
            *(node, address, https, arguments, folder / node),
            token=self.token("bootstrap"),
            authority=self.folder / "ca.pem",
        )


@dataclasses.dataclass(frozen=True)
class SecureCluster:
    """A server and two clients; whoever is asked through one of them shows a token."""

    secrets: Secrets
    agents: Mapping[str, Agent]

    def by(self, token: str, node: str) -> Agent:
        """An agent, asked with a token's secret, empty for none."""
        return dataclasses.replace(self.agents[node], token=token)

    def alive(self) -> bool:
        """Whether the catalog has every agent, and each passes."""
        checks = self.agents[SERVER].get("/v1/health/state/passing") or []
        return {each["Node"] for each in checks if each["CheckID"] == "serfHealth"} == set(PLACES)


@contextlib.contextmanager
def secure_cluster(folder: pathlib.Path) -> Iterator[SecureCluster]:
    """A cluster with the policies and tokens of the role, made in the order of the playbooks."""
    secrets = Secrets.make(folder / "secrets")
    first = secrets.agent("server", SERVER, folder)
    clients = [secrets.agent("client", node, folder, first.gossip) for node in HOSTS.values()]
    agents = {agent.node: agent for agent in (first, *clients)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(first))
        first.ready("a leader", lambda: first.get("/v1/status/leader"), 60)
        rights = {**RIGHTS, "url": plain(first).url, "secrets": str(secrets.folder)}
        done = run_module(MODULE, Role("consul_acl", rights).options(MODULE))
        assert not done.get("failed"), done
        stack.enter_context(running(*clients))
        found = SecureCluster(secrets, agents)
        first.ready("every agent", found.alive, 60)
        yield found


def place(node: str) -> str:
    """The address of a node, for strangers too."""
    return PLACES.get(node, LOCAL)


def plain(agent: Agent) -> Agent:
    """The same agent, asked on loopback and without TLS."""
    port = agent.port_of("http")
    return dataclasses.replace(agent, address=LOCAL, port=port, authority=None)


def _files(secret: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the role `consul_credentials` writes for an agent."""
    name = "__consul_credentials_files"
    found: list[dict[str, str]] = Role("consul_credentials", secret).variables(name)[name]
    return found
