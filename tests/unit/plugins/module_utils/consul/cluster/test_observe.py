"""One look at a cluster, whatever state it is in."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.model import (
    ClusterState,
    Member,
    Peer,
    assess,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.observe import (
    observe,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    Forbidden,
    Unavailable,
    Unreachable,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer, table

WELL = ("agent-self", "agent-members", "status-leader", "raft-configuration", "autopilot-health")
SELF, MEMBERS, LEADER, RAFT, HEALTH = table(*WELL)


class FakeClient:
    """A client whose agent answers from a table; an exception in it is raised."""

    def __init__(self, answers: dict[str, t.Any]) -> None:
        """The recorded cluster, one server and a client of which all is well, but for `answers`."""
        self.asked: list[str] = []
        self.filtered = False
        self._answers = {**table(*WELL), **answers}

    def get(self, path: str) -> t.Any:
        """The answer to a request."""
        self.asked.append(path)
        answer = self._answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get_with_acl_filter(self, path: str) -> tuple[t.Any, bool]:
        """The answer to a request, and whether the token may see the whole of it."""
        return self.get(path), self.filtered


def look(answers: dict[str, t.Any] | None = None) -> ClusterState:
    """What is seen of a cluster that is well but for `answers`."""
    return observe(FakeClient(answers or {}))


def test_a_cluster_is_seen_whole() -> None:
    """Every request adds its part."""
    seen = look()
    assert (seen.leader, seen.term, seen.datacenter) == ("127.0.0.1:8300", 2, "dc1")
    assert [(m.name, m.role, m.status) for m in seen.members] == [
        ("node-1", "server", "alive"),
        ("node-2", "client", "alive"),
    ]
    assert [(p.node, p.voter, p.leader, p.last_index) for p in seen.peers] == [
        ("node-1", True, True, 20)
    ]
    assert (seen.healthy, seen.failure_tolerance) == (True, 0)
    assert assess(seen) == ("ok", [])


def test_a_cluster_that_lost_a_server_is_seen_as_it_is() -> None:
    """Autopilot tells it with a status of its own, and the gossip names the dead."""
    lost = table("agent-members-lost", "raft-configuration-of-three", "autopilot-health-lost")
    verdict, reasons = assess(look(lost))
    assert verdict == "degraded"
    assert reasons == [
        "client node-2 is failed",
        "server node-4 is failed",
        "autopilot reports the cluster as unhealthy",
        "the loss of one more server stops the cluster",
    ]


def test_an_agent_that_finds_no_leader_tells_what_it_can() -> None:
    """Its members; there is nobody to ask for the rest."""
    alone = table("leaderless-leader", "leaderless-members")
    seen = look({**alone, RAFT: Unavailable("no leader")})
    assert (assess(seen)[0], [m.name for m in seen.members]) == ("down", ["node-1"])


@pytest.mark.parametrize("leader", ["", None, Unavailable("no leader")])
def test_without_a_leader_nobody_asks_what_needs_one(leader: object) -> None:
    """A cluster between two leaders is seen, as far as it can be."""
    client = FakeClient({LEADER: leader})
    seen = observe(client)
    assert (seen.leader, seen.peers, seen.healthy) == ("", (), None)
    assert not {RAFT, HEALTH} & set(client.asked)


def test_a_leader_lost_amid_the_look_leaves_the_rest() -> None:
    """What cannot be told any more is empty, and nothing fails."""
    seen = look({RAFT: Unavailable("no leader"), HEALTH: Unavailable("no leader")})
    assert (seen.leader, seen.peers, seen.healthy) == (answer("status-leader"), (), None)


def test_an_unhealthy_cluster_is_told_from_an_unknown_one() -> None:
    """False is an answer, None is none."""
    assert look({HEALTH: answer("autopilot-health-lost")}).healthy is False


@pytest.mark.parametrize(
    "itself", [answer("agent-self-of-client"), {"Stats": None, "Config": None}, None]
)
def test_a_client_agent_knows_no_term(itself: dict[str, t.Any] | None) -> None:
    """Raft's term is a server's to tell."""
    assert look({SELF: itself}).term is None


@pytest.mark.parametrize("path", [SELF, MEMBERS, LEADER, RAFT, HEALTH])
@pytest.mark.parametrize("error", [Forbidden("no"), Unreachable("gone")])
def test_what_is_no_matter_of_leaders_is_raised(path: str, error: Exception) -> None:
    """A token without rights and an agent that went away are not taken for a lost leader."""
    with pytest.raises(type(error)):
        look({path: error})


def test_members_that_a_token_may_not_see_are_told() -> None:
    """An empty list is never the truth: the agent itself is a member."""
    hidden = look({MEMBERS: answer("anonymous-members")}).hidden
    assert hidden.startswith(
        "no member is visible because the token lacks node:read. Grant the ACL token"
    )


def test_members_that_consul_left_out_are_told() -> None:
    """A list of some says nothing by itself; the header does."""
    client = FakeClient({})
    client.filtered = True
    assert "some members are not visible" in observe(client).hidden


def test_a_peer_that_the_gossip_does_not_know_is_told() -> None:
    """To a request without a token Consul does not say that it left something out."""
    others = [member for member in answer("agent-members") if member["Name"] != "node-1"]
    assert "the Raft peer node-1 is not among the members" in look({MEMBERS: others}).hidden


def test_a_cluster_that_is_seen_whole_hides_nothing() -> None:
    """The usual case has no such sentence."""
    assert look().hidden == ""


@pytest.mark.parametrize(
    ("changes", "verdict", "reasons"),
    [
        ({}, "ok", []),
        ({"hidden": "some"}, "unknown", ["some"]),
        (
            {"hidden": "some", "healthy": False},
            *("degraded", ["autopilot reports the cluster as unhealthy", "some"]),
        ),
        (
            {"hidden": "some", "leader": ""},
            *("down", ["there is no leader: nothing can be written", "some"]),
        ),
    ],
)
def test_what_is_hidden_is_never_called_well(
    changes: dict[str, t.Any], verdict: str, reasons: list[str]
) -> None:
    """What is bad for sure stays so; what seems well is unknown."""
    usual: dict[str, t.Any] = {
        "leader": "a:1",
        "members": (Member("s1", "a", "alive", "server", "1"),),
        "peers": (Peer("s1", "a:1", voter=True, leader=True),),
        "healthy": True,
    }
    assert assess(ClusterState(**{**usual, **changes})) == (verdict, reasons)


def test_members_have_an_order() -> None:
    """The agent tells them in another one each time; two looks at one cluster are equal."""
    members = answer("agent-members-lost")
    for each in (members, members[::-1]):
        found = [member.name for member in look({MEMBERS: each}).members]
        assert found == ["node-1", "node-2", "node-3", "node-4"]
