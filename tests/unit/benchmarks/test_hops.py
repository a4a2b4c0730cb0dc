"""Backends meet a poll fairly, hops become milliseconds, and what makes no sense is no figure."""

from __future__ import annotations

import itertools
import statistics

import pytest
from rollcall_bench.figures.hops import due, hops, phases, rows

PERIOD = 15.0


def test_a_moment_has_its_phase_and_is_not_over() -> None:
    """It is at or after the one that is asked for, and less than a period later."""
    for now in (0.0, 3.3, 14.9, 15.0, 100.0):
        for phase in phases(12, PERIOD):
            moment = due(phase, PERIOD, now)
            assert now <= moment < now + PERIOD
            assert moment % PERIOD == pytest.approx(phase)


@pytest.mark.parametrize("count", [1, 2, 6, 7, 12, 20])
def test_wherever_the_poll_is_the_median_wait_is_half_a_period(count: int) -> None:
    """A few starts see a poll as all moments do, with no luck in it."""
    for poll in range(15):
        waits = [(poll - phase) % PERIOD for phase in phases(count, PERIOD)]
        assert statistics.median(waits) == pytest.approx(PERIOD / 2, abs=PERIOD / count / 2)


@pytest.mark.parametrize("count", [6, 12, 20])
def test_two_starts_in_a_row_are_far_apart(count: int) -> None:
    """At least a tenth of the period, in either direction."""
    for one, other in itertools.pairwise(phases(count, PERIOD)):
        assert PERIOD / 10 < (other - one) % PERIOD < PERIOD * 9 / 10


def test_a_hop_is_what_passed_since_the_start() -> None:
    """In milliseconds, place by place."""
    assert hops(100.0, [100.25, 100.5, 101.0]) == (250, 500, 1000)


def test_an_answer_that_never_came_is_named() -> None:
    """No figure is made of it."""
    with pytest.raises(ValueError, match="never first answer routed to it"):
        hops(100.0, [100.25, 100.5, None])


def test_a_hop_before_its_start_is_named() -> None:
    """Somebody else's instance was seen, or the clocks differ."""
    with pytest.raises(ValueError, match="passing in Consul 250 ms before the start"):
        hops(100.0, [99.75, 100.5, 101.0])


def test_rows_have_the_medians_and_the_slowest_way() -> None:
    """One column for each that is compared, in the order that they were given."""
    found = {"ours": [(1.0, 2.0, 3.0), (3.0, 4.0, 5.0)], "other": [(5.0, 6.0, 70.0)]}
    assert [row.values for row in rows(found)] == [(2, 5), (3, 6), (4, 70), (5, 70)]
