"""The loop: events nudge, a resync corrects, an outage is waited out."""

from __future__ import annotations

import dataclasses
import logging
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from .plan import Plan
from .ports import RegistryError, SourceError
from .reconciler import Reconciler

log = logging.getLogger("registrator")
Event = tuple[str, str, Mapping[str, str]]

# A burst is gathered for a moment, but nobody waits longer than the maximum.
QUIET_SECONDS = 0.005
MAX_WAIT_SECONDS = 0.05
_BACKOFF_SECONDS = (0.25, 5.0)
_STOPPING = {"15", "9", "3", "2"}
# After its grace plus this, a container that still runs was not being stopped.
_DRAIN_MARGIN_SECONDS = 2.0


@dataclasses.dataclass
class Daemon:
    """Runs until `stop` is set; `resync` in seconds, 0 for never."""

    reconciler: Reconciler
    events: Callable[[], Iterator[Event]]
    resync: float
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    _inbox: queue.Queue[Event] = dataclasses.field(default_factory=queue.Queue)
    _draining: dict[str, float] = dataclasses.field(default_factory=dict)
    _trouble: str = ""
    last_success: float = 0.0

    def run(self) -> None:
        """Serve until stopped. Services stay registered."""
        threading.Thread(target=self._listen, name="events", daemon=True).start()
        backoff = _BACKOFF_SECONDS[0]
        # Before the subscription stands, a list could miss what starts right after it.
        timeout: float | None = None
        while not self.stop.is_set():
            self._gather(timeout)
            if self.stop.is_set():
                break
            if self._attempt():
                backoff = _BACKOFF_SECONDS[0]
                timeout = self._next_deadline()
            else:
                timeout = backoff * random.uniform(0.5, 1.0)
                backoff = min(backoff * 2, _BACKOFF_SECONDS[1])

    def wake(self) -> None:
        """Let the loop look at once."""
        self._inbox.put(("wake", "", {}))

    def _attempt(self) -> bool:
        """One cycle; says trouble once when it comes and once when it goes."""
        now = time.monotonic()
        self._draining = {key: until for key, until in self._draining.items() if until > now}
        try:
            steps = self.reconciler.cycle(frozenset(self._draining))
        except (SourceError, RegistryError) as error:
            if str(error) != self._trouble:
                log.warning("waiting: %s", error)
            self._trouble = str(error)
            return False
        if self._trouble:
            log.info("recovered: %s", _summary(steps))
        self._trouble = ""
        self.last_success = time.monotonic()
        return True

    def _next_deadline(self) -> float | None:
        """Seconds until something is due without an event, None for never."""
        due = [until - time.monotonic() for until in self._draining.values()]
        if self.resync > 0:
            due.append(self.resync)
        return max(0.0, min(due)) if due else None

    def _gather(self, timeout: float | None) -> None:
        """Wait for a nudge, then take what follows until it is quiet or the maximum is reached."""
        try:
            self._note(self._inbox.get(timeout=timeout))
            deadline = time.monotonic() + MAX_WAIT_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                self._note(self._inbox.get(timeout=min(QUIET_SECONDS, left)))
        except queue.Empty:
            pass

    def _note(self, event: Event) -> None:
        """A signal that stops a container takes it out at once, before it exits."""
        action, identifier, attributes = event
        if action == "kill" and attributes.get("signal") in _STOPPING:
            self._draining[identifier] = time.monotonic() + 10.0 + _DRAIN_MARGIN_SECONDS
        elif action in ("start", "die", "destroy"):
            self._draining.pop(identifier, None)

    def _listen(self) -> None:
        """Feed the inbox; a stream that ends is opened again, and everything is listed anew."""
        backoff = _BACKOFF_SECONDS[0]
        while not self.stop.is_set():
            try:
                for event in self.events():
                    if event[0] == "subscribed":
                        log.info("Listening for Docker events ...")
                        backoff = _BACKOFF_SECONDS[0]
                    self._inbox.put(event)
            except SourceError as error:
                log.warning("waiting: %s", error)
            self.stop.wait(backoff * random.uniform(0.5, 1.0))
            backoff = min(backoff * 2, _BACKOFF_SECONDS[1])


def stop_on_signals(daemon: Daemon) -> None:
    """SIGTERM and SIGINT end the loop, SIGHUP makes it look at once."""

    def end(*_: object) -> None:
        daemon.stop.set()
        daemon.wake()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, lambda *_: daemon.wake())


def _summary(steps: Plan) -> str:
    return f"{len(steps.register)} registered, {len(steps.deregister)} deregistered"
