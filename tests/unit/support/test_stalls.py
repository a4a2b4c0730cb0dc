"""How standing still is measured, with a clock of the test's own."""

from __future__ import annotations

import time

import pytest
from ansible_collections.rollcall.discovery.tests.support import stalls
from ansible_collections.rollcall.discovery.tests.support.stalls import StallWatch, at_most


class Clock:
    """A clock that only a sleep moves; each sleep takes longer by the next of `late`."""

    def __init__(self, *late: float) -> None:
        """Begin at 100 seconds."""
        self.now = 100.0
        self.late = list(late)

    def read(self) -> float:
        """The seconds it shows."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Sleep, and wake too late."""
        self.now += seconds + self.late.pop(0)


def watched(*late: float) -> tuple[StallWatch, Clock]:
    """A watch that has ticked once for each delay."""
    clock = Clock(*late)
    watch = StallWatch(clock.read, clock.sleep)
    for _ in late:
        watch.tick()
    return watch, clock


def test_a_late_wake_up_is_a_stall() -> None:
    """Its length is what the sleep took too long."""
    watch, _clock = watched(0.0, 0.7, 0.3)
    assert watch.longest(100) == pytest.approx(0.7)
    assert watch.total(100) == pytest.approx(1.0)


def test_what_every_machine_does_is_none() -> None:
    """A wake-up that is late by a millisecond counts for nothing."""
    watch, _clock = watched(0.001, 0.002)
    assert (watch.longest(100), watch.total(100)) == (0.0, 0.0)


def test_a_stall_before_the_moment_is_left_out() -> None:
    """Only what ended after it belongs to a test that began then."""
    watch, clock = watched(0.7)
    assert watch.longest(clock.now + 0.001) == 0.0


def test_a_bound_holds_without_the_time_of_a_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standing still for longer than the bound breaks it no more."""
    watch, _clock = watched(0.0)
    monkeypatch.setattr(watch, "start", lambda: None)
    monkeypatch.setattr(watch, "total", lambda since: 5.0)
    monkeypatch.setattr(stalls, "WATCH", watch)
    with at_most(0.001, "a pause"):
        time.sleep(0.01)
    monkeypatch.setattr(watch, "total", lambda since: 0.0)
    with (
        pytest.raises(AssertionError, match=r"a pause took .* more than 0\.001 s"),
        at_most(0.001, "a pause"),
    ):
        time.sleep(0.01)
