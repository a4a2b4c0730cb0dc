"""Whom the guard believes that instances are gone."""

from __future__ import annotations

import dataclasses

import pytest
from nginx_lb.protection.guard import (
    EMPTY,
    FILTERED,
    NO_ANSWER,
    NO_LEADER,
    RECREATED,
    Evidence,
    Hold,
    Record,
    Verdict,
    judge,
    losses,
)
from nginx_lb.settings.model import Guard

from ..builders import endpoint, instances, leader, record

POLICY = Guard(max_drop=0.5, confirm_seconds=2, max_hold_seconds=600)
ELSEWHERE = "cluster-2"


def verdict(
    served: Record,
    said: tuple[int, ...],
    evidence: Evidence,
    *,
    hold: Hold | None = None,
    now: float = 100,
    forced: tuple[str, ...] = (),
    policy: Guard = POLICY,
) -> Verdict:
    """The guard's verdict on one service."""
    holds = {"web": hold} if hold else {}
    return judge(policy, {"web": served}, {"web": instances(*said)}, evidence, holds, now, forced)


def serves(found: Verdict) -> set[int]:
    """The numbers of the instances in rotation."""
    return {
        int(str(each.endpoint.address).rpartition(".")[2])
        for each in found.records["web"].instances
    }


@pytest.mark.parametrize("state", [NO_LEADER, FILTERED, NO_ANSWER])
def test_more_is_always_believed(state: str) -> None:
    """Even without a leader: a wrong one costs a retry."""
    found = verdict(record(1), (1, 2, 3), Evidence(state))
    assert (serves(found), found.holds) == ({1, 2, 3}, {})


@pytest.mark.parametrize(
    ("before", "after"), [((1, 2, 3), (1, 2)), ((1, 2), (1,)), ((1, 2, 3, 4), (4,))]
)
def test_a_leader_is_believed_at_once(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """A dead instance does not stay in front of users, however many died."""
    found = verdict(record(*before), after, leader({"web": after}))
    assert (serves(found), found.holds) == (set(after), {})


def test_a_leader_is_believed_about_the_last_one_after_a_while() -> None:
    """An empty service may be a blink: it is held for the time of confirmation."""
    first = verdict(record(1), (), leader({"web": ()}), now=100)
    assert serves(first) == {1}
    assert first.holds["web"] == Hold(EMPTY, 100, frozenset({endpoint(1)}))
    held = first.holds["web"]
    assert serves(verdict(record(1), (), leader({"web": ()}), hold=held, now=101.9)) == {1}
    last = verdict(record(1), (), leader({"web": ()}), hold=held, now=102)
    assert (serves(last), last.holds) == (set(), {})


@pytest.mark.parametrize("state", [NO_LEADER, FILTERED, NO_ANSWER])
@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ((1, 2, 3), (1, 2), {1, 2}),
        ((1, 2), (1,), {1}),
        ((1, 2, 3), (1,), {1, 2, 3}),
        ((1,), (), {1}),
        ((1, 2, 3), (), {1, 2, 3}),
        ((1, 2, 3), (4,), {1, 2, 3, 4}),
    ],
)
def test_without_a_leader_only_a_small_loss_passes(
    state: str, before: tuple[int, ...], after: tuple[int, ...], kept: set[int]
) -> None:
    """At most the stated share, never the last one; what is held stays beside what is new."""
    found = verdict(record(*before), after, Evidence(state))
    assert serves(found) == kept
    assert bool(found.holds) == (kept != set(after))


def test_small_losses_without_a_leader_add_up() -> None:
    """Each is measured against what was last confirmed, so four do not bleed to one."""
    served = record(1, 2, 3, 4)
    for after in ((1, 2, 3), (1, 2), (1,), ()):
        found = verdict(served, after, Evidence(NO_LEADER))
        served = found.records["web"]
    assert serves(found) == {1, 2}


def test_a_confirmed_loss_is_the_new_measure() -> None:
    """What a leader confirmed is what the next loss is measured against."""
    served = verdict(record(1, 2, 3, 4), (1, 2), leader({"web": (1, 2)})).records["web"]
    assert serves(verdict(served, (1,), Evidence(NO_LEADER))) == {1}


def test_a_hold_without_a_leader_has_no_end() -> None:
    """A day without Consul empties nothing."""
    hold = Hold("Consul has no leader", 0, frozenset({endpoint(1)}))
    assert serves(verdict(record(1), (), Evidence(NO_LEADER), hold=hold, now=86400)) == {1}


def test_what_a_stale_copy_lost_is_kept_when_the_leader_has_it() -> None:
    """The follower may read an old copy; the consistent read knows better."""
    found = verdict(record(1, 2, 3), (1,), leader({"web": (1, 2)}))
    assert (serves(found), found.holds) == ({1, 2}, {})


@pytest.mark.parametrize(
    "evidence", [leader({"web": ()}, cluster_id=ELSEWHERE), leader({"web": ()}, index=3)]
)
def test_a_re_created_cluster_empties_nothing(evidence: Evidence) -> None:
    """Its ID is another, or its index went backwards: it does not know yet what runs."""
    found = verdict(record(1, 2), (), evidence, now=100)
    assert serves(found) == {1, 2}
    assert found.holds["web"].reason == RECREATED
    late = verdict(record(1, 2), (), evidence, hold=found.holds["web"], now=699)
    assert serves(late) == {1, 2}
    over = verdict(record(1, 2), (), evidence, hold=found.holds["web"], now=700)
    assert serves(over) == set()


def test_a_leader_without_a_cluster_id_is_not_believed_yet() -> None:
    """Right after its election it may not know it; a cluster that never had one is believed."""
    unknown = leader({"web": (1,)}, cluster_id="")
    assert verdict(record(1, 2), (1,), unknown).holds["web"].reason == RECREATED
    assert serves(verdict(record(1, 2, cluster_id=""), (1,), unknown)) == {1}


def test_a_new_catalog_is_believed_when_it_is_as_large() -> None:
    """All have registered again, some at other endpoints: the old endpoints go."""
    half = verdict(record(1, 2), (3,), leader({"web": (3,)}, cluster_id=ELSEWHERE))
    assert serves(half) == {1, 2, 3}
    whole = verdict(half.records["web"], (3, 4), leader({"web": (3, 4)}, cluster_id=ELSEWHERE))
    assert (serves(whole), whole.holds) == ({3, 4}, {})
    assert whole.records["web"].cluster_id == ELSEWHERE


def test_after_a_re_creation_losses_count_from_the_new_catalog() -> None:
    """All registered again at the old endpoints: a later loss is a loss, though indexes fell."""
    again = verdict(record(1, 2, index=900), (1, 2), Evidence(NO_ANSWER, ELSEWHERE))
    found = verdict(
        again.records["web"], (1,), leader({"web": (1,)}, index=30, cluster_id=ELSEWHERE)
    )
    assert (serves(found), found.holds) == ({1}, {})


def test_the_operator_is_believed() -> None:
    """Forced, the loss is taken and is the new measure."""
    found = verdict(record(1, 2), (), Evidence(NO_LEADER), forced=("web",))
    assert (serves(found), found.holds) == (set(), {})


def test_a_service_that_vanished_is_a_loss_and_then_forgotten() -> None:
    """A discovered service that lost its tags goes as its instances go."""
    records = {"shop": record(1)}
    assert losses(records, {}) == {"shop": frozenset({endpoint(1)})}
    first = judge(POLICY, records, {}, leader({"shop": ()}), {}, 100)
    assert list(first.records) == ["shop"]
    last = judge(POLICY, first.records, {}, leader({"shop": ()}), first.holds, 102)
    assert (last.records, last.holds) == ({}, {})


def test_one_services_hold_is_not_anothers() -> None:
    """Of two services one is held and the other follows."""
    records = {"a": record(1), "b": record(1, 2)}
    said = {"a": (), "b": instances(1)}
    found = judge(POLICY, records, said, leader({"a": (), "b": (1,)}), {}, 100)
    assert (list(found.holds), len(found.records["b"].instances)) == (["a"], 1)


def test_a_share_of_one_lets_everything_but_the_last_go() -> None:
    """max_drop 1 trusts a leaderless Consul, except with the last instance."""
    trusting = dataclasses.replace(POLICY, max_drop=1)
    assert serves(verdict(record(1, 2, 3), (1,), Evidence(NO_ANSWER), policy=trusting)) == {1}
    assert serves(verdict(record(1), (), Evidence(NO_ANSWER), policy=trusting)) == {1}
