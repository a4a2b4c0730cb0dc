"""Agents as the stories need them: servers, clients, one that guards, one without a leader."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

from .agent import LOCAL, OTHER, THIRD, Agent, free_ports

NO_UPDATE_CHECK = ("-hcl", "disable_update_check = true")
# Arguments of servers that are several: on a busy machine the leader stays the leader.
STABLE_LEADERSHIP = ("-hcl", "performance { raft_multiplier = 3 }")
# On a busy machine too, no server that is well is called unhealthy.
_PATIENT_AUTOPILOT = ("-hcl", 'autopilot { last_contact_threshold = "10s" }')
# Arguments of an agent that probes no member while a story lasts: one that dies stays alive in its
# gossip.
NO_FAILURE_DETECTION = ("-hcl", 'gossip_lan { probe_interval = "1h" }')


def server(
    node: str, folder: pathlib.Path, *arguments: str, address: str = LOCAL, **more: Any
) -> Agent:
    """A server on ports of its own; the arguments say how it finds others, if there are any."""
    http, serf, rpc = free_ports(3)
    own = (
        *("-server", f"-serf-lan-port={serf}", f"-server-port={rpc}", *NO_UPDATE_CHECK),
        *("-hcl", "ports { serf_wan = -1 }", "-hcl", "performance { raft_multiplier = 1 }"),
        *_PATIENT_AUTOPILOT,
    )
    return Agent(node, address, http, (*own, *arguments), folder / node, **more)


def three_servers(folder: pathlib.Path, *arguments: str) -> dict[str, Agent]:
    """Servers s1 to s3 of one cluster, each on an address of its own; by their names."""
    addresses = {"s1": LOCAL, "s2": OTHER, "s3": THIRD}
    ports = dict(zip(addresses, free_ports(3), strict=True))
    joins = joining(*(f"{addresses[name]}:{port}" for name, port in ports.items()))
    return {
        name: server(
            name,
            folder,
            *(
                f"-serf-lan-port={ports[name]}",
                *joins,
                "-bootstrap-expect=3",
                *STABLE_LEADERSHIP,
                *arguments,
            ),
            address=address,
        )
        for name, address in addresses.items()
    }


def client(
    node: str, folder: pathlib.Path, *arguments: str, address: str = LOCAL, **more: Any
) -> Agent:
    """A client agent on ports of its own; the arguments say how it finds a server."""
    http, serf, rpc = free_ports(3)
    own = (f"-serf-lan-port={serf}", f"-server-port={rpc}", *NO_UPDATE_CHECK)
    return Agent(node, address, http, (*own, *arguments), folder / node, **more)


def joining(*places: str) -> tuple[str, ...]:
    """The arguments of an agent that joins those at these places of the gossip."""
    return (*(f"-retry-join={place}" for place in places), "-retry-interval=200ms")


@contextlib.contextmanager
def guarded(folder: pathlib.Path, *arguments: str, **more: Any) -> Iterator[Agent]:
    """A server that forbids whatever a token does not allow; ours may do all."""
    token = str(uuid.uuid4())
    acl = f'acl {{ enabled = true default_policy = "deny" tokens {{ agent = "{token}" '
    agent = server(
        "guarded",
        folder,
        *("-bootstrap-expect=1", *arguments),
        *("-hcl", f'{acl} initial_management = "{token}" }} }}'),
        token=token,
        **more,
    )
    with running(agent):
        # The rights to see it are there before the leader has written down its own node.
        agent.ready("itself in the catalog", lambda: agent.get("/v1/catalog/nodes"))
        yield agent


@contextlib.contextmanager
def untouched(folder: pathlib.Path, *arguments: str) -> Iterator[Agent]:
    """A server that just starts, with an ACL system that nobody has bootstrapped."""
    acl = 'acl { enabled = true default_policy = "deny" }'
    agent = server("untouched", folder, "-bootstrap-expect=1", "-hcl", acl, *arguments)
    with running(agent):
        yield agent


@contextlib.contextmanager
def leaderless(folder: pathlib.Path, *arguments: str) -> Iterator[Agent]:
    """One server of three that never come."""
    agent = server(
        "alone",
        folder,
        *("-bootstrap-expect=3", *arguments),
        # It holds requests back for 7 s and more in the hope of a leader: here for a shorter time.
        *("-hcl", 'performance { rpc_hold_timeout = "1500ms" }'),
    )
    with running(agent):
        agent.ready("an answer", lambda: agent.get("/v1/agent/self"))
        yield agent


@contextlib.contextmanager
def running(*agents: Agent) -> Iterator[None]:
    """Launch agents, and end them by their own processes."""
    try:
        for agent in agents:
            agent.launch()
        yield
    finally:
        for agent in agents:
            agent.kill()


def token_with(agent: Agent, rules: str) -> str:
    """A new token with these rights."""
    name = f"policy-{uuid.uuid4()}"
    agent.call("PUT", "/v1/acl/policy", {"Name": name, "Rules": rules})
    made = agent.call("PUT", "/v1/acl/token", {"Policies": [{"Name": name}]})
    return str(made["SecretID"])


@dataclasses.dataclass(frozen=True)
class Agents:
    """The agent the module speaks to, and another one of the same datacenter."""

    own: Agent
    other: Agent

    def node_is(self, status: str) -> bool:
        """Whether the other node's serfHealth is so."""
        checks = self.own.get(f"/v1/health/node/{self.other.node}") or []
        return any(c["CheckID"] == "serfHealth" and c["Status"] == status for c in checks)
