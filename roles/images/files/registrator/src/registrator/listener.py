"""Feeds Docker's events to the loop, whatever becomes of the stream."""

from __future__ import annotations

import dataclasses
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator

from .backoff import Backoff, Jitter
from .inbox import Inbox
from .ports import Event, Metrics, SourceError
from .telling import words

log = logging.getLogger("registrator")
_BACKOFF_SECONDS = (0.1, 2.0)
# A stream that ends sooner than this is not yet a success: it may be one that always ends.
_LASTING_SECONDS = 5.0


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
