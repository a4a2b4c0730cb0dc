"""Every bound is held by one story and missed by another; no empty history holds anything."""

from __future__ import annotations

import json

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.stories import (
    Story,
    host_dies,
    story,
)
from rollcall_drills.analysis.bounds import BOUNDS, Status, Verdict, bounds_from, judge
from rollcall_drills.errors import UserError
from rollcall_drills.history.history import assemble
from rollcall_drills.history.records import Failure


def leader_dies() -> Story:
    """The leader is away for two seconds until another one is elected."""
    told = story().calm().fault("kill", "host-1").leaderless(2).elect("host-2").traffic(1)
    return told.healed().traffic(1).settled().traffic(0.5)


def failing(count: int, method: str = "GET") -> Story:
    """A fault under which so many requests are refused."""
    told = story().calm().fault("x").failing(count, Failure.REFUSED, method).traffic(1)
    return told.settled().traffic(0.5)


def slow(seconds: float) -> Story:
    """A fault under which requests take so long."""
    told = story().calm().fault("x").traffic(1, latency=seconds).traffic(6).settled()
    return told.traffic(0.5)


def reloading(count: int) -> Story:
    """A balancer that reloads so often, and was started again in between."""
    told = story().metrics(nginx_lb_reloads_total=7).calm().fault("x")
    told.metrics(nginx_lb_reloads_total=7 + count - 1).traffic(1)
    told.metrics(nginx_lb_reloads_total=1).traffic(1)
    return told.settled().traffic(0.5)


# A story, and a bound that it just keeps.
STORIES: dict[str, tuple[Story, float]] = {
    "failed": (failing(3), 3),
    "failed_get": (failing(3), 3),
    "failed_post": (failing(3, "POST"), 3),
    "slowest_s": (slow(0.5), 0.5),
    "leaderless_s": (leader_dies(), 2.05),
    "new_leader_s": (leader_dies(), 2.05),
    "out_of_rotation_s": (host_dies(out=0.4), 0.41),
    "out_of_catalog_s": (host_dies(catalog=2.0), 2.05),
    "back_s": (host_dies(back=0.2), 0.23),
    "elections": (leader_dies(), 1),
    "reloads": (reloading(4), 4),
    "p99_ratio": (slow(0.02), 10.1),
}


def line(verdict: Verdict, name: str) -> tuple[float | None, bool]:
    """What was measured for a bound, and whether it held."""
    return next((one.measured, one.held) for one in verdict.results if one.name == name)


def test_every_bound_has_a_story() -> None:
    """A bound without a test would be a promise."""
    assert set(STORIES) == set(BOUNDS)


@pytest.mark.parametrize("name", STORIES)
def test_a_bound_that_is_kept_holds(name: str) -> None:
    """Just within it."""
    told, bound = STORIES[name]
    verdict = told.judged(**{name: bound})
    assert line(verdict, name)[1], verdict.reasons
    assert verdict.status is Status.HELD, verdict.reasons


def test_a_bound_that_a_stall_explains_is_to_be_measured_again() -> None:
    """Half a second too slow on a machine that stood still for as long tells nothing."""
    verdict = slow(2.5).stall(0.6).judged(slowest_s=2)
    assert verdict.status is Status.UNSTABLE
    assert "this machine paused the observer for 0.6 s" in " ".join(verdict.reasons)


def test_a_bound_that_no_stall_explains_is_missed() -> None:
    """A second too slow is not half a second's doing."""
    assert slow(3.0).stall(0.6).judged(slowest_s=2).status is Status.MISSED


def failing_beside(stall: float) -> Story:
    """Two requests fail: one while the machine stands still for so long, one much later."""
    told = story().calm().fault("x").stall(stall).failing(1, Failure.REFUSED).traffic(2)
    return told.failing(1, Failure.REFUSED).traffic(1).settled().traffic(0.5)


def test_a_request_that_failed_in_a_stall_is_to_be_asked_again() -> None:
    """A stall explains those that were under way, and no other."""
    assert failing_beside(0.6).judged(failed=1).status is Status.UNSTABLE
    assert failing_beside(0.6).judged(failed=0).status is Status.MISSED


def test_a_short_stall_explains_no_failed_request() -> None:
    """Nobody gives up after a fifth of a second."""
    assert failing_beside(0.2).judged(failed=1).status is Status.MISSED


@pytest.mark.parametrize("name", [name for name in STORIES if name != "elections"])
def test_a_bound_that_is_exceeded_is_missed(name: str) -> None:
    """Just beyond it."""
    told, bound = STORIES[name]
    less = bound - 1 if float(bound).is_integer() else bound * 0.9
    verdict = told.judged(**{name: less})
    assert not line(verdict, name)[1]
    assert verdict.status is Status.MISSED
    assert verdict.stable
    assert any(reason.startswith(name) for reason in verdict.reasons)


@pytest.mark.parametrize(
    "name",
    [
        *("leaderless_s", "new_leader_s", "out_of_rotation_s", "out_of_catalog_s", "back_s"),
        *("reloads", "p99_ratio"),
    ],
)
def test_a_bound_that_nothing_tells_of_is_missed(name: str) -> None:
    """In a history without a fault none of these was measured, however wide the bound."""
    verdict = story().without_reads().calm().judged(**{name: 1e9})
    assert line(verdict, name) == (None, False)
    assert verdict.status is Status.MISSED
    assert f"{name} is unknown: the history has no data for it" in verdict.reasons


def test_more_elections_than_the_drill_provokes_make_it_unstable() -> None:
    """One that came in the window of another fault is to be repeated, not blamed on the stack."""
    told, bound = STORIES["elections"]
    verdict = told.judged(elections=bound - 1, failed=0)
    assert line(verdict, "elections") == (bound, False)
    assert verdict.status is Status.UNSTABLE
    assert "elections is 1, the bound is 0: the drill did not cause that" in verdict.reasons


def test_elections_nobody_could_see_are_unknown() -> None:
    """Without agents there is no count."""
    told = story()
    told.events = []
    assert line(told.without_reads().calm().judged(elections=0), "elections") == (None, False)


def test_a_calm_history_holds() -> None:
    """A run without a fault is a calibration: it may be held against bounds too."""
    assert story().calm().judged(failed=0, elections=0).status is Status.HELD


def test_a_history_without_requests_fails() -> None:
    """A check that cannot fail proves nothing."""
    verdict = story().judged()
    assert verdict.status is Status.MISSED
    assert "there are no requests" in verdict.reasons


def test_a_history_without_calm_fails() -> None:
    """Who does not know the calm cannot tell the storm."""
    verdict = story().traffic(5).fault("x").traffic(1).settled().judged()
    assert verdict.status is Status.MISSED
    assert "there is no calm phase: mark it before the first fault" in verdict.reasons


def test_a_calm_that_comes_after_the_fault_is_none() -> None:
    """It would hide what the fault did."""
    verdict = story().fault("x").traffic(1).settled().calm().judged()
    assert "the first fault came before the calm phase" in verdict.reasons
    assert verdict.status is Status.MISSED


def test_too_few_calm_requests_prove_nothing() -> None:
    """Ninety-nine are too few, a hundred are enough."""
    assert story().calm(1.98).judged().status is Status.MISSED
    assert story().calm(2.0).judged().status is Status.HELD


def test_a_failure_in_calm_fails() -> None:
    """The fault is not to blame for it."""
    verdict = story().calm().failing(1, Failure.RESET).traffic(1).judged()
    assert line(verdict, "calm_failed") == (1, False)
    assert verdict.status is Status.MISSED


def test_a_failure_under_the_fault_is_not_one_of_the_calm() -> None:
    """Also where the request was under way when the fault came."""
    told = story().calm()
    told.request(5.0, error=Failure.TIMEOUT, status=None)
    verdict = told.traffic(1).fault("x").traffic(5).settled().traffic(1).judged(failed=1)
    assert line(verdict, "calm_failed") == (0, True)
    assert verdict.status is Status.HELD


def test_a_failure_before_the_calm_counts_as_failed() -> None:
    """It is nobody's calm, but a user saw it."""
    verdict = story().failing(1, Failure.REFUSED).calm().judged(failed=0)
    assert line(verdict, "calm_failed") == (0, True)
    assert line(verdict, "failed") == (1, False)


def test_a_probe_that_died_fails() -> None:
    """Without its last word nobody knows what is missing."""
    verdict = host_dies().cut().judged()
    assert verdict.status is Status.MISSED
    assert "run drill stop before drill judge" in verdict.reasons[0]


def test_a_probe_that_stopped_early_fails() -> None:
    """Nothing was asked while the drill went on."""
    told = story().calm().fault("x").traffic(1)
    told.now += 5
    verdict = told.settled().judged()
    assert verdict.status is Status.MISSED
    assert any("stopped 5.0 s before the last mark" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        (0, "requests are missing: their numbers have gaps"),
        (50, "requests are missing: their numbers have gaps"),
        (-1, "250 requests were sent, 249 are recorded"),
    ],
)
def test_missing_requests_fail(which: int, reason: str) -> None:
    """A line that was lost, wherever it was."""
    told = story().calm()
    records = told.records()
    del told.requests[which]
    verdict = judge(assemble(told.drill, told.requests, told.marks, records), {})
    assert verdict.status is Status.MISSED
    assert reason in verdict.reasons


def test_a_fault_that_was_never_settled_fails() -> None:
    """The drill did not reach its end."""
    verdict = story().calm().fault("x", "host-2").traffic(1).judged()
    assert "the fault of host-2 was never marked settled" in verdict.reasons
    assert verdict.status is Status.MISSED


def test_an_unprovoked_election_makes_it_unstable() -> None:
    """Neither held nor missed: to be repeated, and the time is told."""
    told = story().calm().elect("host-3").traffic(1)
    verdict = told.judged(failed=0)
    assert (verdict.status, verdict.stable) == (Status.UNSTABLE, False)
    assert verdict.reasons == ("an election that no fault caused, at 5.0 s",)


def test_an_unstable_history_is_unstable_even_where_it_missed() -> None:
    """The miss is told too; whose fault it was, nobody knows."""
    told = story().calm().elect("host-3").traffic(1).fault("x").failing(1).settled().traffic(6)
    verdict = told.judged(failed=0)
    assert verdict.status is Status.UNSTABLE
    assert any(reason.startswith("failed is 1") for reason in verdict.reasons)


def test_a_history_that_proves_nothing_is_no_matter_of_luck() -> None:
    """Repeating it would not help: missed, not unstable."""
    assert story().calm(1).elect("host-3").traffic(0.5).judged().status is Status.MISSED


@pytest.mark.parametrize(("late", "status"), [(5, Status.HELD), (6, Status.UNSTABLE)])
def test_a_probe_that_was_late_makes_it_unstable(late: int, status: Status) -> None:
    """More than one in two hundred; no late request is a failure."""
    told = story().calm().late(late)
    told.traffic((1000 - len(told.requests)) / told.rate)
    verdict = told.judged(failed=0)
    assert len(told.requests) == 1000
    assert verdict.status is status
    assert verdict.figures.failed == 0


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"failures": 0}, "there is no bound failures"),
        ({"failed": -1}, "the bound failed is -1"),
        ({"failed": True}, "the bound failed is True"),
        ({"failed": "0"}, "the bound failed is '0'"),
        ({"failed": float("nan")}, "the bound failed is nan"),
        ([], "not a JSON object"),
    ],
)
def test_bounds_that_are_none_are_refused(document: object, sentence: str) -> None:
    """With the list of those that are known."""
    with pytest.raises(UserError, match=sentence):
        bounds_from(document)
    with pytest.raises(UserError) as refused:
        bounds_from({"nonsense": 1})
    assert all(name in refused.value.remedy for name in BOUNDS)


def test_failures_are_told_by_method_connection_and_kind() -> None:
    """Each combination with its count."""
    told = story().calm().fault("x").failing(2, Failure.RESET, "POST").failing(1).settled()
    figures = told.traffic(6).judged().figures
    assert sum(one.count for one in figures.failures) == figures.failed == 3
    assert {(one.method, one.error) for one in figures.failures} == {
        ("POST", "reset"),
        ("GET", "timeout"),
    }


def test_percentiles_are_those_of_the_answered() -> None:
    """A hundred answers of 1 to 100 ms: p50 is 50, p99 is 99; a quick refusal changes nothing."""
    told = story().calm(0)
    for ms in range(100, 0, -1):
        told.request(ms / 1000, instance="host-1")
    told.now += 1
    figures = told.fault("x").failing(5, Failure.REFUSED).settled().judged().figures
    assert figures.calm_ms["p50"] == pytest.approx(50, abs=1)
    assert figures.calm_ms["p99"] == pytest.approx(99, abs=1)
    assert figures.fault_ms == {}


def test_a_verdict_is_a_document() -> None:
    """It says what was wanted, what was measured, and why."""
    document = json.loads(json.dumps(host_dies().judged(failed=0, back_s=0.01).to_json()))
    assert document["status"] == "missed"
    assert (document["held"], document["stable"]) == (False, True)
    missed = [one for one in document["bounds"] if not one["held"]]
    assert [(one["name"], one["wanted"]) for one in missed] == [("back_s", "≤ 0.01")]
    assert document["figures"]["distribution"].keys() == {"host-1", "host-2", "host-3"}
    assert document["figures"]["terms"] == [2, 2]
