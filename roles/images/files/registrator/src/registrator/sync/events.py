"""Docker's events: gathered in bursts for the loop, and read from a stream that is reopened."""

from __future__ import annotations

import dataclasses
import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from ..backoff import Backoff, Jitter
from ..domain.interfaces import Event, Metrics, SourceError
from ..log_once import words

log = logging.getLogger("registrator")
QUIET_SECONDS = 0.005
MAX_WAIT_SECONDS = 0.05
_BACKOFF_SECONDS = (0.1, 2.0)
# A stream that ends sooner than this is not yet a success: it may be one that always ends.
_LASTING_SECONDS = 5.0


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


@dataclasses.dataclass
class Listener:
    """Opens the stream of events again and again; its first event says that it stands."""

    events: Callable[[], Iterator[Event]]
    inbox: Inbox
    stop: threading.Event
    metrics: Metrics
    jitter: Jitter = random.uniform
    clock: Callable[[], float] = time.monotonic

    def listen(self) -> None:
        """Until `stop`: a stream that ends is opened anew, and everything is listed anew then."""
        backoff = Backoff(*_BACKOFF_SECONDS, self.jitter)
        trouble = ""
        while not self.stop.is_set():
            began = self.clock()
            try:
                for event in self.events():
                    if event[0] == "subscribed":
                        log.info("Listening for Docker events ...")
                        trouble = ""
                    else:
                        self.metrics.event(event[0])
                    self.inbox.put(event)
            except Exception as error:
                # Whatever ended this one, there has to be another.
                if words(error) != trouble:
                    unforeseen = not isinstance(error, SourceError)
                    log.warning("waiting: %s", words(error), exc_info=unforeseen)
                trouble = words(error)
                self.metrics.trouble("events")
            if self.clock() - began > _LASTING_SECONDS:
                backoff.succeed()
            self.stop.wait(backoff.fail())
