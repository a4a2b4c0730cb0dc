"""Where events wait for the loop: a burst is gathered, but nobody waits longer than a maximum."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Protocol

from .ports import Event

QUIET_SECONDS = 0.005
MAX_WAIT_SECONDS = 0.05


class Queue(Protocol):
    """A queue of events, as the standard library has it."""

    def put(self, item: Event) -> None:
        """Add an event; a signal handler may do so at any moment."""

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        """The next event, queue.Empty when none came in time."""


class Inbox:
    """Gathers events until it is quiet, or until the first of them has waited for the maximum."""

    def __init__(
        self, waiting: Queue | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """An empty inbox. A SimpleQueue may be filled by a signal handler, a Queue may not."""
        self._queue: Queue = queue.SimpleQueue[Event]() if waiting is None else waiting
        self._clock = clock

    def put(self, event: Event) -> None:
        """Hand an event to the loop."""
        self._queue.put(event)

    def gather(self, timeout: float | None) -> list[Event]:
        """What came: nothing when the timeout passed, None waits for ever."""
        found: list[Event] = []
        try:
            found.append(self._queue.get(timeout=timeout))
            latest = self._clock() + MAX_WAIT_SECONDS
            while (left := latest - self._clock()) > 0:
                found.append(self._queue.get(timeout=min(QUIET_SECONDS, left)))
        except queue.Empty:
            pass
        return found
