"""What an observed cluster means, and whether it is enough."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster import (
    Member,
    Observation,
    Peer,
    assess,
    peers_of,
    restart_order,
    unmet,
)
from builders import cluster, member


def test_three_voters_are_well() -> None:
    """No reason to complain."""
    assert assess(cluster()) == ("ok", [])


def test_no_leader_is_down() -> None:
    """Nothing can be written, whatever else is there."""
    assert assess(cluster(leader=""))[0] == "down"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"members": (member("node1"), member("node2", status="failed"))}, "node2 is failed"),
        ({"peers": (Peer("node1", "a", False, False),)}, "node1 does not vote yet"),
        ({"healthy": False}, "autopilot calls the cluster unhealthy"),
        ({"failure_tolerance": 0}, "one more server stops the cluster"),
        (
            {"members": (member("node1"), Member("old", "b", "alive", "server", "1.20.0"))},
            "versions differ: 1.20.0, 1.22.7",
        ),
    ],
)
def test_a_fault_is_named(changes: dict[str, Any], reason: str) -> None:
    """The verdict is degraded, and the reason says what."""
    verdict, reasons = assess(cluster(**changes))
    assert verdict == "degraded"
    assert any(reason in text for text in reasons)


def test_a_single_server_is_a_choice() -> None:
    """It tolerates no loss, and that is no fault."""
    assert assess(cluster(1)) == ("ok", [])


def test_everything_wanted_holds() -> None:
    """A whole cluster leaves nothing to wait for."""
    wanted = {"leader": True, "servers": 3, "voters": 3, "failure_tolerance": 1, "healthy": True}
    assert unmet(cluster(), wanted) == []


def test_what_is_missing_is_counted() -> None:
    """Each phrase says how many of how many."""
    seen = cluster(1, leader="")
    assert unmet(seen, {"leader": True, "voters": 3}) == ["a leader", "voters 1 of 3"]


def test_the_absence_of_a_leader_can_be_waited_for() -> None:
    """leader=false is a wish too."""
    assert unmet(cluster(), {"leader": False}) == ["no leader"]


def test_servers_are_restarted_leader_last_and_laggards_late() -> None:
    """The best follower goes first, so that a good candidate is back when the leader goes."""
    peers = (
        Peer("leads", "a", True, True, 100),
        Peer("lags", "b", True, False, 10),
        Peer("close", "c", True, False, 99),
    )
    assert restart_order(Observation(peers=peers)) == ["close", "lags", "leads"]


def test_a_member_is_read_from_the_agents_answer() -> None:
    """Role and version come from its tags, the status from its number."""
    entry = {
        "Name": "n",
        "Addr": "10.0.0.1",
        "Status": 4,
        "Tags": {"role": "consul", "build": "1.22.7:abc"},
    }
    assert Member.from_api(entry) == Member("n", "10.0.0.1", "failed", "server", "1.22.7")


def test_peers_carry_the_index_that_autopilot_knows() -> None:
    """The two answers are joined by the server's identifier."""
    configuration = {
        "Servers": [{"ID": "1", "Node": "n", "Address": "a", "Voter": True, "Leader": True}]
    }
    (peer,) = peers_of(configuration, {"Servers": [{"ID": "1", "LastIndex": 7}]})
    assert peer == Peer("n", "a", True, True, 7)


def test_a_client_agent_tells_no_peers() -> None:
    """Answers that are missing are no peers, not an error."""
    assert peers_of(None, None) == ()
