"""How often the catalog is read."""

from __future__ import annotations

import itertools

import pytest
from nginx_lb.discovery.catalog.pace import Pace


def delays(*times: float, cost: float = 0.004) -> list[float]:
    """How long each of some changes waits; a reading takes no time but the processor's."""
    pace, waited = Pace(), []
    for now in times:
        waited.append(pace.delay(now))
        pace.read(now + waited[-1], now + waited[-1], cost)
    return waited


def test_a_lone_change_and_the_one_after_it_are_read_at_once() -> None:
    """However long the balancer has run, and however soon the second comes."""
    assert delays(0.0, 0.001, 5.0, 5.001, 10.0) == [0.0] * 5


def test_pauses_grow_in_a_burst_up_to_a_tenth_of_a_second() -> None:
    """A hundred changes are not a hundred readings."""
    waited = delays(*[0.0] * 9)
    assert waited[:2] == [0.0, 0.0]
    pauses = [after - before for before, after in itertools.pairwise(waited[1:])]
    assert pauses == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.1, 0.1, 0.1])


def test_a_reading_takes_half_of_the_time_at_most() -> None:
    """A catalog of many nodes takes longer to read."""
    assert delays(0.0, 0.0, 0.0, cost=0.3) == pytest.approx([0.0, 0.0, 0.3])
