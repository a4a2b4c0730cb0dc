"""A cluster as values: what was seen, what it means, whether it is enough."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.model import (
    ClusterState,
    Member,
    Peer,
    assess,
    peers_of,
    restart_order,
    unmet,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=25, deadline=None, database=None)


def member(name: str = "s1", **changes: str) -> Member:
    """A server that is alive."""
    usual = {"address": "10.0.0.1", "status": "alive", "role": "server", "version": "1.21.0"}
    return Member(**{"name": name, **usual, **changes})


def peer(node: str = "s1", **changes: t.Any) -> Peer:
    """A follower that votes."""
    usual = {"address": "10.0.0.1:8300", "voter": True, "leader": False}
    return Peer(**{"node": node, **usual, **changes})


def seen(**changes: t.Any) -> ClusterState:
    """Three servers of which all is well."""
    names = ("s1", "s2", "s3")
    usual = {
        "leader": "10.0.0.1:8300",
        "members": tuple(member(name) for name in names),
        "peers": tuple(peer(name, leader=name == "s1") for name in names),
        "healthy": True,
        "failure_tolerance": 1,
    }
    return ClusterState(**{**usual, **changes})


# Reading


def gossip(**changes: t.Any) -> dict[str, t.Any]:
    """A server as /v1/agent/members has it."""
    return {**answer("agent-members")[0], **changes}


def test_servers_and_clients_are_read() -> None:
    """As Consul tells them."""
    assert [Member.from_api(entry) for entry in answer("agent-members")] == [
        Member("node-1", "127.0.0.1", "alive", "server", "1.22.7"),
        Member("node-2", "127.0.0.2", "alive", "client", "1.22.7"),
    ]


@pytest.mark.parametrize(
    ("status", "word"),
    [(0, "none"), (1, "alive"), (2, "leaving"), (3, "left"), (4, "failed"), (9, "unknown")],
)
def test_a_members_status_has_a_word(status: int, word: str) -> None:
    """Serf's numbers are told in words."""
    assert Member.from_api(gossip(Status=status)).status == word


@pytest.mark.parametrize(
    ("tags", "role", "version"),
    [
        ({"role": "consul", "build": "1.21.0:abc"}, "server", "1.21.0"),
        ({"role": "node", "build": "1.21.0"}, "client", "1.21.0"),
        (None, "client", ""),
    ],
)
def test_a_members_tags_tell_role_and_version(
    tags: dict[str, str] | None, role: str, version: str
) -> None:
    """A server calls its role `consul`, and its build has a commit behind the version."""
    found = Member.from_api(gossip(Tags=tags))
    assert (found.role, found.version) == (role, version)


def test_peers_carry_the_index_that_autopilot_knows() -> None:
    """Raft's servers and autopilot's are joined by their identifier, in whatever order."""
    health = answer("autopilot-health-of-three")
    last, first = {**health["Servers"][2], "LastIndex": 7}, {**health["Servers"][0], "LastIndex": 8}
    peers = peers_of(answer("raft-configuration-of-three"), {**health, "Servers": [last, first]})
    assert [(found.node, found.leader, found.voter, found.last_index) for found in peers] == [
        ("node-1", True, True, 8),
        ("node-3", False, True, None),
        ("node-4", False, True, 7),
    ]


@pytest.mark.parametrize("nothing", [None, {}, {"Servers": None}])
def test_without_a_configuration_there_are_no_peers(nothing: dict[str, None] | None) -> None:
    """What could not be told is empty."""
    assert peers_of(nothing, nothing) == ()


def test_only_living_servers_count_as_alive() -> None:
    """Clients and failed servers are none."""
    members = (member("s1"), member("s2", status="failed"), member("c1", role="client"))
    assert [found.name for found in seen(members=members).alive_servers] == ["s1"]


def test_the_version_of_a_member_that_left_does_not_run() -> None:
    """Versions are those of the living, each once."""
    members = (member("s1"), member("s2"), member("s3", status="left", version="1.20.0"))
    assert seen(members=members).versions == ("1.21.0",)


# The verdict


def test_a_cluster_of_which_all_is_well_is_ok() -> None:
    """Nothing to say means ok."""
    assert assess(seen()) == ("ok", [])


def test_a_cluster_without_a_leader_is_down() -> None:
    """Without a leader no other reason matters."""
    assert assess(seen(leader="", healthy=False)) == (
        "down",
        ["there is no leader: nothing can be written"],
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"members": (member("s2", status="failed"),)}, "server s2 is failed"),
        ({"members": (member("c1", role="client", status="failed"),)}, "client c1 is failed"),
        ({"peers": (peer("s4", voter=False),)}, "server s4 is not a voter yet"),
        ({"healthy": False}, "autopilot reports the cluster as unhealthy"),
        ({"failure_tolerance": 0}, "the loss of one more server stops the cluster"),
        (
            {"members": (member("s1"), member("s2", version="1.20.0"))},
            "versions differ: 1.20.0, 1.21.0",
        ),
    ],
)
def test_what_is_not_well_degrades_the_cluster(changes: dict[str, t.Any], reason: str) -> None:
    """Each thing that is not well is a reason of its own."""
    assert assess(seen(**changes)) == ("degraded", [reason])


def test_a_single_server_is_a_choice() -> None:
    """A cluster of one tolerates no loss, and is ok."""
    alone = seen(members=(member(),), peers=(peer(leader=True),), failure_tolerance=0)
    assert assess(alone)[0] == "ok"


def test_a_member_that_left_is_no_reason() -> None:
    """Who went in order is not missed."""
    assert assess(seen(members=(member("s1"), member("s2", status="left"))))[0] == "ok"


# Whether it is enough


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ({}, []),
        ({"leader": True, "members": 3, "servers": 3, "voters": 3, "healthy": True}, []),
        ({"members": None, "leader": None}, []),
        ({"members": 4}, ["members 3 of 4"]),
        ({"servers": 4}, ["servers 3 of 4"]),
        ({"voters": 5}, ["voters 3 of 5"]),
        ({"failure_tolerance": 2}, ["failure tolerance 1 of 2"]),
        ({"leader": False}, ["no leader"]),
        ({"healthy": False}, ["unhealthy"]),
    ],
)
def test_what_is_missing_is_counted(wanted: dict[str, t.Any], missing: list[str]) -> None:
    """Numbers are minimums, and what is unset is not asked."""
    assert unmet(seen(), wanted) == missing


def test_an_agent_that_tells_nothing_meets_nothing() -> None:
    """What is not known counts as not there, the leader first."""
    wanted = {"voters": 1, "failure_tolerance": 1, "healthy": True, "leader": True}
    missing = unmet(ClusterState(), wanted)
    assert missing == ["a leader", "voters 0 of 1", "failure tolerance 0 of 1", "healthy"]


def test_unknown_health_is_not_bad_health() -> None:
    """Somebody who waits for an unhealthy cluster waits for autopilot to say so."""
    assert unmet(seen(healthy=None), {"healthy": False}) == ["unhealthy"]


# Restarting


def test_the_leader_restarts_last_and_laggards_late() -> None:
    """Who is furthest ahead goes first, who lags gets time, the leader closes."""
    peers = (
        peer("leader", leader=True, last_index=9),
        peer("laggard", last_index=3),
        peer("swift", last_index=9),
        peer("silent"),
    )
    assert restart_order(seen(peers=peers)) == ["swift", "laggard", "silent", "leader"]


PEERS = st.lists(
    st.builds(
        peer,
        st.sampled_from("abcdef"),
        leader=st.booleans(),
        last_index=st.none() | st.integers(0, 9),
    ),
    unique_by=lambda found: found.node,
    max_size=6,
)


@LAW
@given(peers=PEERS)
def test_every_server_restarts_once(peers: list[Peer]) -> None:
    """The order holds each server exactly once, leaders behind followers."""
    order = restart_order(seen(peers=tuple(peers)))
    leads = {found.node: found.leader for found in peers}
    assert sorted(order) == sorted(leads)
    assert [leads[node] for node in order] == sorted(leads.values())


@LAW
@given(peers=PEERS, data=st.data())
def test_the_order_does_not_depend_on_the_agents_answer(peers: list[Peer], data: t.Any) -> None:
    """The same followers in another order restart in the same order."""
    followers = [found for found in peers if not found.leader]
    mixed = data.draw(st.permutations(followers))
    assert restart_order(seen(peers=tuple(followers))) == restart_order(seen(peers=tuple(mixed)))
