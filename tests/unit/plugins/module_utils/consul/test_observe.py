"""One look at a cluster, whatever state it is in."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster import Observation
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.errors import (
    Forbidden,
    Unavailable,
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.observe import observe

RAFT = "/v1/operator/raft/configuration"
HEALTH = "/v1/operator/autopilot/health"
LEADER = "/v1/status/leader"


class FakeClient:
    """A client whose agent answers from a table; an exception in it is raised."""

    def __init__(self, answers: dict[str, t.Any]) -> None:
        """A cluster of one server of which all is well, but for `answers`."""
        self.asked: list[str] = []
        server = {"ID": "1", "Node": "s1", "Address": "a:1", "Voter": True, "Leader": True}
        self._answers = {
            "/v1/agent/self": {"Config": {"Datacenter": "dc1"}, "Stats": {"raft": {"term": "4"}}},
            "/v1/agent/members": [{"Name": "s1", "Addr": "10.0.0.1", "Status": 1}],
            LEADER: "10.0.0.1:8300",
            RAFT: {"Servers": [server]},
            HEALTH: {"Healthy": True, "FailureTolerance": 0, "Servers": [{"ID": "1"}]},
            **answers,
        }

    def get(self, path: str) -> t.Any:
        """The answer to a request."""
        self.asked.append(path)
        answer = self._answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer


def look(answers: dict[str, t.Any] | None = None) -> Observation:
    """What is seen of a cluster that is well but for `answers`."""
    return observe(FakeClient(answers or {}))


def test_a_cluster_is_seen_whole() -> None:
    """Every request adds its part."""
    seen = look()
    assert (seen.leader, seen.term, seen.datacenter) == ("10.0.0.1:8300", 4, "dc1")
    assert ([m.name for m in seen.members], [p.node for p in seen.peers]) == (["s1"], ["s1"])
    assert (seen.healthy, seen.failure_tolerance) == (True, 0)


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
    assert (seen.leader, seen.peers, seen.healthy) == ("10.0.0.1:8300", (), None)


def test_an_unhealthy_cluster_is_told_from_an_unknown_one() -> None:
    """False is an answer, None is none."""
    assert look({HEALTH: {"Healthy": False, "FailureTolerance": 0}}).healthy is False


@pytest.mark.parametrize("itself", [{"Stats": {}}, {"Stats": None, "Config": None}, None])
def test_a_client_agent_knows_no_term(itself: dict[str, t.Any] | None) -> None:
    """Raft's term is a server's to tell."""
    assert look({"/v1/agent/self": itself}).term is None


@pytest.mark.parametrize("path", ["/v1/agent/self", "/v1/agent/members", LEADER, RAFT, HEALTH])
@pytest.mark.parametrize("error", [Forbidden("no"), Unreachable("gone")])
def test_what_is_no_matter_of_leaders_is_raised(path: str, error: Exception) -> None:
    """A token without rights and an agent that went away are not taken for a lost leader."""
    with pytest.raises(type(error)):
        look({path: error})
