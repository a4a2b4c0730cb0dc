"""Docker's events: a listener that reopens the stream, and a queue that debounces bursts."""

from __future__ import annotations

import dataclasses
import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from rollcall_common.backoff import Backoff, Jitter
from rollcall_common.log_once import error_text

from ..domain.interfaces import Event, Metrics, SourceError

log = logging.getLogger("registrator")
DEBOUNCE_SECONDS = 0.005
MAX_WAIT_SECONDS = 0.05
_BACKOFF_SECONDS = (0.1, 2.0)
# A stream that ends sooner than this does not reset the backoff: it may always end at once.
_STABLE_SECONDS = 5.0


class Queue(Protocol):
    """A queue of events, as in the standard library."""

    def put(self, item: Event) -> None:
        """Add an event; a signal handler may call this at any moment."""

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        """The next event; queue.Empty when none arrived in time."""


class EventQueue:
    """Batches events: until none arrives for a while, or the first has waited for the maximum."""

    def __init__(
        self, events: Queue | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """An empty queue. A signal handler may put into a SimpleQueue, but not into a Queue."""
        self._queue: Queue = queue.SimpleQueue[Event]() if events is None else events
        self._clock = clock

    def put(self, event: Event) -> None:
        """Add an event for the loop."""
        self._queue.put(event)

    def batch(self, timeout: float | None) -> list[Event]:
        """The next events, none when the timeout passes; None waits without a limit."""
        found: list[Event] = []
        try:
            found.append(self._queue.get(timeout=timeout))
            latest = self._clock() + MAX_WAIT_SECONDS
            while (left := latest - self._clock()) > 0:
                found.append(self._queue.get(timeout=min(DEBOUNCE_SECONDS, left)))
        except queue.Empty:
            pass
        return found


@dataclasses.dataclass
class EventListener:
    """Reads the event stream; its first event says that the subscription is established."""

    events: Callable[[], Iterator[Event]]
    event_queue: EventQueue
    stop: threading.Event
    metrics: Metrics
    jitter: Jitter = random.uniform
    clock: Callable[[], float] = time.monotonic

    def listen(self) -> None:
        """Read until `stop`; a stream that ends is reopened, which triggers a full cycle."""
        backoff = Backoff(*_BACKOFF_SECONDS, self.jitter)
        problem = ""
        while not self.stop.is_set():
            began = self.clock()
            try:
                for event in self.events():
                    if event[0] == "subscribed":
                        log.info("Listening for Docker events ...")
                        problem = ""
                    else:
                        self.metrics.event(event[0])
                    self.event_queue.put(event)
            except Exception as error:
                # Whatever the error is, the stream has to be reopened.
                if error_text(error) != problem:
                    unexpected = not isinstance(error, SourceError)
                    log.warning("waiting: %s", error_text(error), exc_info=unexpected)
                problem = error_text(error)
                self.metrics.error("events")
            if self.clock() - began > _STABLE_SECONDS:
                backoff.succeed()
            self.stop.wait(backoff.fail())
