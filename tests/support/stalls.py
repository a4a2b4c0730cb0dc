"""How long the machine kept this process from running: a bound in seconds is the product's."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

_TICK_SECONDS = 0.02
# A wake-up on an idle machine is late by less than a millisecond; below this nothing is counted.
_NOISE_SECONDS = 0.005


@dataclasses.dataclass(frozen=True, order=True)
class Stall:
    """A time in which this process did not run: its end on the monotonic clock, and its length."""

    end: float
    seconds: float


class StallWatch:
    """A thread that sleeps for short times and notes by how much it wakes too late.

    It runs from the first question on. The interpreter's lock counts as well: who holds it for
    long keeps every other thread of the test from looking.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is measured yet; the clock and the sleep are those of the machine."""
        self._clock = clock
        self._sleep = sleep
        self._stalls: list[Stall] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Measure from now on; a second call changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="stalls", daemon=True)
            self._thread.start()

    def tick(self) -> None:
        """Sleep once, and note by how much that took too long."""
        began = self._clock()
        self._sleep(_TICK_SECONDS)
        end = self._clock()
        late = end - began - _TICK_SECONDS
        if late > _NOISE_SECONDS:
            self._stalls.append(Stall(end, late))

    def total(self, since: float) -> float:
        """Seconds of all stalls that ended after this moment of the monotonic clock."""
        return sum(stall.seconds for stall in self._since(since))

    def longest(self, since: float) -> float:
        """Seconds of the longest stall that ended after this moment, 0 without any."""
        return max((stall.seconds for stall in self._since(since)), default=0.0)

    def _since(self, moment: float) -> list[Stall]:
        return self._stalls[bisect.bisect_left(self._stalls, Stall(moment, 0.0)) :]

    def _watch(self) -> None:
        while True:
            self.tick()


WATCH = StallWatch()


@contextlib.contextmanager
def at_most(seconds: float, what: str) -> Iterator[None]:
    """The block takes so long at most, the time aside in which the machine stood still.

    AssertionError with `what` where it takes longer.
    """
    WATCH.start()
    began = time.monotonic()
    yield
    took, stood = time.monotonic() - began, WATCH.total(began)
    assert took - stood <= seconds, (
        f"{what} took {took:.2f} s, {stood:.2f} s of them standing still: more than {seconds} s"
    )
