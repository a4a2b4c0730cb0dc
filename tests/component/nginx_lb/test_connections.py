"""Connections to Consul are few, whatever the number of services and nodes."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
from nginx_lb.model import Endpoint
from nginx_lb.protection.leader_check import LeaderCheck, LeaderMonitor, LeaderStatus, ServiceQuery
from rollcall_agents.agent import Agent
from rollcall_agents.clusters import Agents
from rollcall_agents.polling import eventually

from .stage import Stage

LIMIT = 8


def connections(agent: Agent) -> int:
    """How many connections there are to the agent's HTTP port, seen by the clients."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    found = [line.split() for line in lines]
    remote = f":{agent.port:04X}"
    return sum(each[2].endswith(remote) and each[3] == "01" for each in found)


@pytest.fixture
def leader(agents: Agents, follows: Stage) -> Iterator[LeaderCheck]:
    """What else of the program has connections: the monitor, and the check with one."""
    statuses: list[LeaderStatus] = []
    check = LeaderCheck(follows.consul)
    monitor = LeaderMonitor(follows.consul, statuses.append)
    eventually("a leader", lambda: statuses and statuses[-1].leader)
    yield check
    monitor.stop()
    check.close()


def test_three_hundred_services_need_few(
    agents: Agents, follows: Stage, leader: LeaderCheck
) -> None:
    """Also while the settings change, again and again."""
    names = [f"service-{number}" for number in range(300)]
    agents.own.register("service-7", "a", Address="10.0.0.1", Port=80)
    wanted = {name: ["10.0.0.1:80"] if name == "service-7" else [] for name in names}
    counts = []
    for number in range(6):
        follows.follow(*names[number:], tag="lb" if number % 2 else "")
        follows.sees(**{name: wanted[name] for name in names[number:]})
        evidence = leader.confirm({"web": ServiceQuery("service-7")})
        assert evidence.confirmed["web"].endpoints == {Endpoint("10.0.0.1", 80)}
        counts.append(connections(agents.own))
    assert max(counts) <= LIMIT, counts


def test_a_hundred_nodes_need_few(agents: Agents, follows: Stage, leader: LeaderCheck) -> None:
    """With as many services, each of which is on one of them."""
    wanted = {}
    for number in range(100):
        service = {"ID": "a", "Service": f"web-{number}", "Tags": ["lb"], "Port": 80}
        address = f"10.0.1.{number}"
        agents.own.call(
            "PUT",
            "/v1/catalog/register",
            {"Node": f"n-{number}", "Address": address, "Service": service},
        )
        wanted[f"web-{number}"] = [f"{address}:80"]
    follows.follow()
    follows.sees(**wanted)
    assert connections(agents.own) <= LIMIT
    agents.own.call("PUT", "/v1/catalog/deregister", {"Node": "n-7"})
    del wanted["web-7"]
    follows.sees(**wanted)
    assert connections(agents.own) <= LIMIT
