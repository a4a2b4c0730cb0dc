"""Events are gathered until it is quiet, and nobody waits for ever."""

from __future__ import annotations

import queue

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from registrator.domain.interfaces import Event
from registrator.sync.events import DEBOUNCE_SECONDS, MAX_WAIT_SECONDS, EventQueue

START: Event = ("start", "c0ffee", {})


class Busy:
    """A queue in which it is never quiet: the next event comes so many seconds later."""

    def __init__(self, clock: Clock, after: float) -> None:
        """Nothing was asked for yet."""
        self._clock = clock
        self._after = after
        self.waits: list[float | None] = []

    def put(self, item: Event) -> None:
        """There is enough in it."""

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        """One more."""
        self.waits.append(timeout)
        if timeout is not None and timeout < self._after:
            self._clock.now += timeout
            raise queue.Empty
        self._clock.now += self._after
        return START


def test_a_lone_event_waits_for_the_quiet_period_only() -> None:
    """Real queues and a real clock: what was put is what is gathered."""
    events = EventQueue()
    events.put(START)
    assert events.batch(None) == [START]


def test_nothing_comes_of_nothing() -> None:
    """The timeout is the whole wait."""
    assert EventQueue().batch(0.001) == []


def test_a_burst_ends_when_it_is_quiet() -> None:
    """The wait after the first event is the quiet period."""
    clock = Clock()
    busy = Busy(clock, DEBOUNCE_SECONDS * 2)
    assert len(EventQueue(busy, clock).batch(None)) == 1
    assert busy.waits == [None, DEBOUNCE_SECONDS]


def test_a_burst_without_an_end_is_cut() -> None:
    """The maximum counts from the first event."""
    clock = Clock()
    found = EventQueue(Busy(clock, DEBOUNCE_SECONDS / 2), clock).batch(None)
    assert len(found) == pytest.approx(MAX_WAIT_SECONDS / (DEBOUNCE_SECONDS / 2), abs=2)


def test_a_slow_clock_cuts_a_burst_too() -> None:
    """Whoever was not given the processor for a while does not gather for longer."""
    clock = Clock()
    busy = Busy(clock, 0.0)

    def late() -> float:
        clock.now += MAX_WAIT_SECONDS
        return clock.now

    assert EventQueue(busy, late).batch(None) == [START]
