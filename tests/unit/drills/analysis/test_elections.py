"""Who led when: provoked, unprovoked, and how long nobody did."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.stories import Story, story
from rollcall_drills.analysis.elections import changes, elections, leaderless, new_leader_after
from rollcall_drills.analysis.phases import phases


def counted(told: Story) -> tuple[int, int]:
    """Elections provoked and unprovoked."""
    history = told.history()
    found = elections(history, phases(history.marks, history.end))
    return found.provoked, found.unprovoked


def leader_dies(leaderless_for: float = 2.0) -> Story:
    """host-1, which leads, is killed; host-2 follows it."""
    told = story().calm().fault("kill -9", "host-1").silent("host-1").leaderless(leaderless_for)
    return told.elect("host-2").traffic(1).healed("host-1").traffic(1).settled().traffic(1)


def test_a_quiet_cluster_holds_no_election() -> None:
    """Three agents that say the same at different times change nothing."""
    told = story().calm()
    assert changes(told.history()) == []
    assert counted(told) == (0, 0)


def test_the_leaders_death_is_one_election() -> None:
    """However many agents tell of the new leader and the new term."""
    assert counted(leader_dies()) == (1, 0)


def test_a_split_vote_is_two_elections() -> None:
    """The term says how many were held."""
    told = story().calm().fault("kill", "host-1").elect("host-2", term=4).traffic(1).settled()
    assert counted(told) == (2, 0)


def test_an_election_in_calm_is_unprovoked() -> None:
    """Nobody did anything."""
    assert counted(story().calm().elect("host-3").traffic(1)) == (0, 1)


@pytest.mark.parametrize("where", ["before", "after"])
def test_an_election_outside_the_window_is_unprovoked(where: str) -> None:
    """Before the fault and after settled alike."""
    told = story().calm()
    if where == "before":
        told.elect("host-3").traffic(1)
    told.fault("pause", "host-2").traffic(1).healed().traffic(1).settled().traffic(1)
    if where == "after":
        told.elect("host-3").traffic(1)
    assert counted(told) == (0, 1)


def test_a_term_that_rises_without_a_new_leader_is_an_election() -> None:
    """The same leader was elected again."""
    told = story().calm().sees_term("host-1", 3, "Leader").traffic(1)
    assert counted(told) == (0, 1)


def test_a_leader_that_changes_without_known_terms_is_an_election() -> None:
    """A token without the right to read terms still sees leaders."""
    told = story()
    told.events = [event for event in told.events if event.kind != "raft"]
    told.calm().sees_leader("host-1", "host-2").sees_leader("host-2", "host-2")
    assert counted(told.traffic(1)) == (0, 1)


def test_an_agent_that_lags_elects_nobody() -> None:
    """It names the former leader a while longer, or comes back with it, after settled."""
    told = leader_dies()
    told.sees_leader("host-1", "host-1").traffic(0.5).sees_leader("host-1", "host-2").traffic(1)
    assert counted(told) == (1, 0)


def test_a_leader_that_comes_back_to_power_is_a_change() -> None:
    """host-1, host-2, host-1: two changes."""
    told = story().calm().elect("host-2").traffic(1).elect("host-1").traffic(1)
    assert [change.leader for change in changes(told.history()) if change.leader] == [
        "10.0.0.2:8300",
        "10.0.0.1:8300",
    ]


def test_a_new_leader_is_timed_from_the_fault() -> None:
    """To the first agent that tells of it."""
    history = leader_dies(2.0).history()
    (window,) = phases(history.marks, history.end).windows
    assert new_leader_after(history, window) == pytest.approx(2.0, abs=0.03)


def test_the_same_leader_in_a_new_term_is_new() -> None:
    """An agent that leads in a higher term has been elected."""
    told = story().calm().fault("pause", "host-1").traffic(1).sees_term("host-2", 3, "Candidate")
    told.traffic(1).sees_term("host-1", 3, "Leader").traffic(1).healed().settled().traffic(1)
    history = told.history()
    (window,) = phases(history.marks, history.end).windows
    assert new_leader_after(history, window) == pytest.approx(2.0, abs=0.03)


def test_no_new_leader_is_none() -> None:
    """A fault that left the leader alone has no time to a new one."""
    history = story().calm().fault("x", "host-2").traffic(1).healed().settled().history()
    (window,) = phases(history.marks, history.end).windows
    assert new_leader_after(history, window) is None


def test_leaderless_is_the_longest_gap_in_the_window() -> None:
    """Two gaps: the longer one counts, not their sum."""
    told = story().calm().fault("kill", "host-1").leaderless(0.5).traffic(1).leaderless(1.5)
    history = told.traffic(1).healed().settled().traffic(1).history()
    (window,) = phases(history.marks, history.end).windows
    assert leaderless(history, window) == pytest.approx(1.5, abs=0.05)


def test_a_gap_outside_the_window_does_not_count() -> None:
    """What was before the fault is not the fault's."""
    told = story().calm().leaderless(2).fault("x").traffic(1).healed().settled().traffic(1)
    history = told.history()
    (window,) = phases(history.marks, history.end).windows
    assert leaderless(history, window) == pytest.approx(0, abs=0.05)


def test_a_gap_that_never_ends_reaches_to_settled() -> None:
    """A cluster without a leader at the end was leaderless from the fault on."""
    told = story().calm().fault("kill all").leaderless(3).healed().settled().leaderless(1)
    history = told.history()
    (window,) = phases(history.marks, history.end).windows
    assert leaderless(history, window) == pytest.approx(3, abs=0.05)


def test_without_any_read_nobody_knows() -> None:
    """No agent was asked, so there is no figure."""
    history = story().without_reads().calm().fault("x").traffic(1).settled().history()
    (window,) = phases(history.marks, history.end).windows
    assert leaderless(history, window) is None
