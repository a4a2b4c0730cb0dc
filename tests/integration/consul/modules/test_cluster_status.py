"""The module consul_cluster_status on three real servers: every promise of its documentation."""

from __future__ import annotations

import concurrent.futures
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept, documented
from ansible_collections.rollcall.discovery.tests.support.stalls import at_most
from rollcall_agents.agent import LOCAL, OTHER, THIRD, Agent
from rollcall_agents.clusters import client, joining, running, three_servers
from rollcall_agents.polling import eventually

from ..conftest import ask, surroundings

NAME = "consul_cluster_status"
MODULE = f"rollcall.discovery.{NAME}"
# Nobody listens there.
NOWHERE = "http://127.0.0.1:1"
ADDRESSES = {"s1": LOCAL, "s2": OTHER, "s3": THIRD}
WELL = {"leader": True, "members": 4, "servers": 3, "voters": 3, "failure_tolerance": 1}
PILOT = """autopilot {
  min_quorum = 3
  server_stabilization_time = "1s"
}"""
Run = Callable[..., list[dict[str, Any]]]
Cluster = dict[str, Agent]


def status(agent: Agent, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """What the module says of the cluster, asked at one agent; nothing it does is a change."""
    result = ask(MODULE, {"url": agent.url, "_ansible_check_mode": check, **options})
    assert result.get("changed", False) is False
    return result


def gate(agent: Agent, seconds: int = 30, **wanted: Any) -> dict[str, Any]:
    """What the module says once all that is wanted holds."""
    result = status(agent, wait_for=wanted, wait_timeout=seconds)
    assert not result.get("failed"), result["msg"]
    return result


@pytest.fixture(scope="module", name="_cluster")
def _cluster_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three servers and a client agent, by their names."""
    folder = tmp_path_factory.mktemp("cluster")
    agents = three_servers(folder, "-hcl", PILOT)
    agents["c1"] = client("c1", folder, *joining(*(each.gossip for each in agents.values())))
    with running(*agents.values()):
        yield agents


@pytest.fixture(name="cluster")
def _whole_cluster(_cluster: Cluster) -> Cluster:
    """The cluster with all its servers, and well."""
    for each in _cluster.values():
        if each.process is None:
            each.launch()
    gate(_cluster["s1"], healthy=True, **WELL)
    return _cluster


@pytest.fixture(name="environment")
def _environment(cluster: Cluster) -> dict[str, str]:
    """A play's tasks find the first server, unless they say otherwise."""
    return {**surroundings(), "CONSUL_HTTP_ADDR": cluster["s1"].url}


def leading(cluster: Cluster) -> str:
    """The name of the server that leads, by Consul's own word."""
    peers = cluster["c1"].get("/v1/operator/raft/configuration")["Servers"]
    return next(str(peer["Node"]) for peer in peers if peer["Leader"])


def gossip(agent: Agent) -> set[tuple[str, int]]:
    """Name and Serf's status of each member that an agent sees; 4 is a failed one."""
    return {(each["Name"], each["Status"]) for each in agent.get("/v1/agent/members")}


def test_every_example_runs_and_every_promise_is_kept(play: Run, cluster: Cluster) -> None:
    """EXAMPLES stand as they are but for the agent's port; without an agent there is a reason."""
    text = yaml.safe_dump(documented(NAME, "EXAMPLES"))
    results = play(yaml.safe_load(text.replace("http://127.0.0.1:8500", cluster["s1"].url)))
    assert [(result["changed"], result["failed"]) for result in results] == [(False, False)] * 2
    nobody = ask(MODULE, {"url": NOWHERE, "_ansible_check_mode": True})
    assert_kept("consul_cluster_status", [*results, nobody])


def test_a_cluster_that_is_well_is_told_whole(cluster: Cluster) -> None:
    """Every value is the one that Consul gives when it is asked itself."""
    own = cluster["s1"]
    result = status(own)
    leader = leading(cluster)
    raft = own.get("/v1/agent/self")["Stats"]["raft"]
    version = own.get("/v1/agent/self")["Config"]["Version"]
    assert result["leader"] == own.get("/v1/status/leader")
    assert (result["leader_node"], result["term"]) == (leader, int(raft["term"]))
    assert result["datacenter"] == "dc1"
    assert {peer["node"]: peer["address"] for peer in result["peers"]} == {
        peer["Node"]: peer["Address"]
        for peer in own.get("/v1/operator/raft/configuration")["Servers"]
    }
    assert all(peer["voter"] and peer["last_index"] > 0 for peer in result["peers"])
    assert [peer["node"] for peer in result["peers"] if peer["leader"]] == [leader]
    roles = {(m["name"], m["address"], m["status"], m["role"]) for m in result["members"]}
    servers = {(name, address, "alive", "server") for name, address in ADDRESSES.items()}
    assert roles == {*servers, ("c1", LOCAL, "alive", "client")}
    assert {member["version"] for member in result["members"]} == {version}
    assert result["autopilot"] == {"healthy": True, "failure_tolerance": 1}
    assert (result["versions"], result["version_skew"]) == ([version], False)
    assert (result["verdict"], result["reasons"]) == ("ok", [])
    assert sorted(result["restart_order"]) == sorted(ADDRESSES)
    assert result["restart_order"][-1] == leader
    assert [member["name"] for member in result["members"]] == ["c1", *ADDRESSES]
    assert not result.get("warnings")


def test_a_client_agent_tells_the_same_but_for_the_term(cluster: Cluster) -> None:
    """Raft's term is a server's to know."""
    one, other = status(cluster["s1"]), status(cluster["c1"])
    assert other["term"] is None
    for key in ("leader", "leader_node", "datacenter", "versions", "verdict"):
        assert one[key] == other[key], key


def test_all_that_can_be_waited_for_is_met_at_once(cluster: Cluster) -> None:
    """Numbers are minimums; what is not named, or null, is not waited for."""
    less = {key: value - 1 for key, value in WELL.items() if key != "leader"}
    with at_most(10, "what holds already"):
        gate(cluster["s1"], healthy=True, **WELL)
        gate(cluster["s1"], healthy=None, leader=None, **less)
    assert {*WELL, "healthy"} == set(
        documented(NAME, "DOCUMENTATION")["options"]["wait_for"]["suboptions"]
    )


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ({"leader": False}, "no leader"),
        ({"members": 5}, "members 4 of 5"),
        ({"servers": 4}, "servers 3 of 4"),
        ({"voters": 4}, "voters 3 of 4"),
        ({"failure_tolerance": 2}, "failure tolerance 1 of 2"),
        ({"healthy": False}, "unhealthy"),
        ({"voters": 5, "members": 4, "servers": 9}, "servers 3 of 9, voters 3 of 5"),
    ],
    ids=str,
)
def test_what_is_missing_at_the_deadline_is_named(
    cluster: Cluster, wanted: dict[str, Any], missing: str
) -> None:
    """The sentence names what is missing and nothing else, the agent, and what to do."""
    began = time.monotonic()
    with at_most(8, "waiting for 1 s"):
        result = status(cluster["s1"], wait_for=wanted, wait_timeout=1)
    assert time.monotonic() - began >= 1
    assert result["failed"]
    assert result["msg"] == (
        f"after 1 s the cluster lacks: {missing}. The agent at {cluster['s1'].url} reports: no "
        "problem is known. Fix that, or raise wait_timeout"
    )


def test_check_mode_looks_once_and_waits_for_nothing(cluster: Cluster) -> None:
    """It tells what a real look tells, though what is wanted does not hold."""
    with at_most(8, "one look"):
        predicted = status(cluster["s1"], check=True, wait_for={"voters": 9}, wait_timeout=60)
    real = status(cluster["s1"])
    # The log grows while we look.
    for key in set(documented(NAME, "RETURN")) - {"peers", "restart_order"}:
        assert predicted[key] == real[key], key


def test_check_mode_does_not_fail_where_no_cluster_is_yet() -> None:
    """Nothing is known, and the reason says why; a real look fails."""
    absent = {"url": NOWHERE, "wait_for": {"leader": True}, "wait_timeout": 0}
    predicted = ask(MODULE, {**absent, "_ansible_check_mode": True})
    assert (predicted["changed"], predicted["verdict"]) == (False, "unknown")
    assert "connection refused" in predicted["reasons"][0]
    assert ask(MODULE, absent)["failed"]


def test_a_leader_hands_over_once(cluster: Cluster) -> None:
    """consul_leadership foresees it, does it, has nothing to do then, and keeps its promises."""
    leader = leading(cluster)
    wanted = {"url": cluster[leader].url, "_ansible_diff": True}
    predicted, real, again = (
        ask("rollcall.discovery.consul_leadership", {**wanted, "_ansible_check_mode": check})
        for check in (True, False, False)
    )
    assert (predicted["changed"], predicted["leader"]) == (True, leader)
    assert (real["changed"], real["leader_before"]) == (True, leader)
    assert real["leader"] not in ("", leader)
    assert (again["changed"], again["leader"]) == (False, real["leader"])
    assert_kept("consul_leadership", [predicted, real, again])


def test_a_member_that_is_gone_is_forgotten_once(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """consul_member foresees it, does it, has nothing to do then, and keeps its promises."""
    own = cluster["s1"]
    leaver = client("c2", tmp_path, *joining(own.gossip))
    with running(leaver):
        own.ready("it in the gossip", lambda: ("c2", 1) in gossip(own))
    own.ready("its loss in the gossip", lambda: ("c2", 4) in gossip(own))
    wanted = {"url": own.url, "name": "c2", "_ansible_diff": True}
    predicted, real, again = (
        ask("rollcall.discovery.consul_member", {**wanted, "_ansible_check_mode": check})
        for check in (True, False, False)
    )
    assert (predicted["changed"], predicted["status_before"]) == (True, "failed")
    assert (real["changed"], real["status_before"]) == (True, "failed")
    assert (again["changed"], again["status_before"]) == (False, "absent")
    assert_kept("consul_member", [predicted, real, again])


def test_a_lost_leader_degrades_the_cluster_until_it_is_back(cluster: Cluster) -> None:
    """The reasons name the server and what is at stake; a gate opens once it is back."""
    lost = leading(cluster)
    witness = next(agent for name, agent in cluster.items() if name not in (lost, "c1"))
    term = status(witness)["term"]
    cluster[lost].kill()
    gate(witness, leader=True, healthy=False, voters=3)
    eventually("the loss in the gossip", lambda: (lost, 4) in gossip(witness))
    result = gate(witness, leader=True, healthy=False)
    assert result["verdict"] == "degraded"
    assert result["reasons"] == [
        f"server {lost} is failed",
        "autopilot reports the cluster as unhealthy",
        "the loss of one more server stops the cluster",
    ]
    assert result["term"] > term
    assert result["leader_node"] not in ("", lost)
    assert result["restart_order"][-1] == result["leader_node"]
    assert result["autopilot"] == {"healthy": False, "failure_tolerance": 0}
    # Who waits now learns from the same reasons why it is in vain.
    short = status(witness, wait_for={"servers": 3}, wait_timeout=0)
    assert (
        f"lacks: servers 2 of 3. The agent at {witness.url} reports: server {lost}" in short["msg"]
    )
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gate, witness, healthy=True, **WELL)
        cluster[lost].launch()
        assert waiting.result()["verdict"] == "ok"
