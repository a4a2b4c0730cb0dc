"""Whether a server must transfer its leadership, and whether a member must be removed."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.model import (
    ClusterState,
    Member,
    Peer,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.plan import (
    plan_removal,
    plan_transfer,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)


def cluster(*, leader: str = "s1", failed: tuple[str, ...] = (), voters: int = 3) -> ClusterState:
    """Three servers of which `leader` leads; the first `voters` of them vote."""
    names = ("s1", "s2", "s3")
    return ClusterState(
        members=tuple(
            Member(name, "", "failed" if name in failed else "alive", "server", "1.22.7")
            for name in names
        ),
        peers=tuple(
            Peer(name, f"{name}:8300", voter=index < voters, leader=name == leader)
            for index, name in enumerate(names)
        ),
    )


def test_a_leader_hands_over() -> None:
    """What comes after is only known to be another one."""
    decided = plan_transfer(cluster(), "s1")
    assert decided.changed
    assert (decided.before, decided.after) == ({"leader": "s1"}, {"leader": "not s1"})


@pytest.mark.parametrize("leader", ["s2", ""], ids=["a follower", "nobody leads"])
def test_who_does_not_lead_stays(leader: str) -> None:
    """Nothing changes."""
    assert not plan_transfer(cluster(leader=leader), "s1").changed


@pytest.mark.parametrize(
    "alone",
    [cluster(failed=("s2", "s3")), cluster(voters=1)],
    ids=["the others failed", "the others do not vote"],
)
def test_a_leader_that_nobody_could_follow_is_refused(alone: ClusterState) -> None:
    """The sentence says what to wait for."""
    with pytest.raises(ConsulError, match="nobody could take over"):
        plan_transfer(alone, "s1")


def test_a_node_that_is_no_server_is_refused() -> None:
    """A typing error, or a client agent: the sentence names the servers."""
    with pytest.raises(ConsulError, match="servers are s1, s2, s3"):
        plan_transfer(cluster(), "web")


def gossip(**status: str) -> ClusterState:
    """What the gossip says of each member."""
    members = (Member(name, "", each, "client", "1.22.7") for name, each in status.items())
    return ClusterState(members=tuple(members))


@pytest.mark.parametrize("status", ["failed", "left", "alive"])
def test_a_member_is_forgotten_whatever_it_is(status: str) -> None:
    """One that is alive is waited for when it is applied."""
    decided = plan_removal(gossip(web=status, other="alive"), "web")
    assert decided.changed
    assert (decided.before, decided.after) == ({"web": status}, {"web": "absent"})


def test_a_member_nobody_knows_is_no_change() -> None:
    """The second run."""
    assert not plan_removal(gossip(other="alive"), "web").changed


def test_a_member_is_found_by_its_whole_name() -> None:
    """Not by a part of it."""
    assert gossip(web1="alive").member_status("web") == "absent"
