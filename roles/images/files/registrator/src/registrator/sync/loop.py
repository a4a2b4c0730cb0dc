"""The loop: cycles after events and periodically, and retries with backoff during an outage."""

from __future__ import annotations

import dataclasses
import logging
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from rollcall_common.backoff import Backoff, Jitter
from rollcall_common.log_once import error_text

from ..domain.interfaces import AwayError, Event, Metrics, NullMetrics, RegistryError, SourceError
from ..domain.plan import Plan
from .draining import Draining, stops
from .events import EventListener, EventQueue
from .reconciler import Reconciler

log = logging.getLogger("registrator")

# How often the agent is checked for lost services between two resyncs.
AGENT_POLL_SECONDS = 2.0
_BACKOFF_SECONDS = (0.1, 2.0)
# The least time between two retries.
_RETRY_SECONDS = 0.25
# The loop may hang in a request when the daemon is stopped; the process does not wait longer.
_STOP_SECONDS = 0.3
_DEREGISTER_SECONDS = 5.0
_DRAIN_ENDS = frozenset({"start", "die", "destroy"})
# An agent whose first sync with the servers fails, as it does while they do not know its token yet,
# retries after 15 to 30 s (retryFailInterval in Consul's agent/ae). Until then changes of checks
# are not synced to the catalog; a registration is synced at once, with the state of its checks.
REANNOUNCE_SECONDS = 35.0


@dataclasses.dataclass
class ReannounceWindow:
    """The time after an outage of the agent, and the check states that were seen in it."""

    _until: float = 0.0
    _states: dict[str, str] = dataclasses.field(default_factory=dict)

    def open(self, now: float) -> None:
        """The agent is back; it is unknown what it has synced to the catalog."""
        self._until = now + REANNOUNCE_SECONDS
        self._states = {}

    def is_open(self, now: float) -> bool:
        """Whether the agent may still be late in syncing."""
        return now < self._until

    def changed(self, states: Mapping[str, str]) -> frozenset[str]:
        """The services whose check states differ from those of the last call; all at the first."""
        before, self._states = self._states, dict(states)
        return frozenset(key for key, state in states.items() if before.get(key) != state)


@dataclasses.dataclass
class SyncLoop:
    """Runs until `stop` is set; `resync` in seconds, 0 for never.

    `events` opens the event stream: its first event is `subscribed`, and a SourceError ends it.
    `last_success` is the clock's time of the last successful cycle, 0 for none.
    """

    reconciler: Reconciler
    events: Callable[[], Iterator[Event]]
    resync: float
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    event_queue: EventQueue = dataclasses.field(default_factory=EventQueue)
    metrics: Metrics = dataclasses.field(default_factory=NullMetrics)
    clock: Callable[[], float] = time.monotonic
    jitter: Jitter = random.uniform
    last_success: float = 0.0

    def __post_init__(self) -> None:
        """No cycle runs before the subscription: it could miss containers that start in between."""
        self._subscribed = False
        self._full = True
        self._touched: set[str] = set()
        self._draining = Draining()
        self._reannounce = ReannounceWindow()
        self._away = False
        self._backoff = Backoff(*_BACKOFF_SECONDS, self.jitter)
        self._problem = ""
        self._not_before = 0.0
        self._next_full = self._next_poll = float("inf")
        # A signal handler may put into it at any moment.
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()

    def run(self) -> None:
        """Run until stopped. Services stay registered, except with -deregister-on-exit."""
        listener = EventListener(
            self.events, self.event_queue, self.stop, self.metrics, self.jitter
        )
        threading.Thread(target=listener.listen, name="events", daemon=True).start()
        loop = threading.Thread(target=self._serve_until_end, name="loop", daemon=True)
        loop.start()
        self._ended.get()
        loop.join(_STOP_SECONDS)
        if self.reconciler.settings.deregister_on_exit:
            leaving = threading.Thread(target=self._deregister_all, name="deregister", daemon=True)
            leaving.start()
            leaving.join(_DEREGISTER_SECONDS)

    def wake(self) -> None:
        """Trigger a full cycle at once. A signal handler may call this."""
        self.event_queue.put(("wake", "", {}))

    def end(self) -> None:
        """Make `run` return within a second. A signal handler may call this."""
        self.stop.set()
        self.wake()
        self._ended.put(None)

    def serve(self) -> None:
        """The loop itself: handle events and run the cycles that are due, until stopped."""
        while not self.stop.is_set():
            for event in self.event_queue.batch(self._timeout()):
                self._handle_event(event)
            now = self.clock()
            self._touched |= self._draining.expire(now)
            if not self.stop.is_set() and self._is_due(now):
                self._run_cycle(now)

    def _handle_event(self, event: Event) -> None:
        """Mark what to inspect: an event is a hint, and its content is not relied on."""
        action, container_id, attributes = event
        if action in ("subscribed", "wake"):
            self._subscribed = self._subscribed or action == "subscribed"
            self._full = True
            self._not_before = 0.0
            if action == "wake":
                self.reconciler.reset_backoff()
        elif not container_id:
            self._full = True
        elif action == "kill":
            container = self.reconciler.container(container_id)
            if stops(attributes.get("signal", ""), container):
                self._draining.begin(container_id, container, self.clock())
                self._touched.add(container_id)
        else:
            if action in _DRAIN_ENDS:
                self._draining.end(container_id)
            self._touched.add(container_id)

    def _timeout(self) -> float | None:
        """Seconds until a cycle is due without an event, None for no limit."""
        if not self._subscribed:
            return None
        now = self.clock()
        if self._problem:
            return max(0.0, self._not_before - now)
        retry = self.reconciler.due()
        due = [self._next_full, self._next_poll, self._draining.due()]
        due.append(None if retry is None else max(retry, self._not_before))
        nearest = min(at for at in due if at is not None)
        return None if nearest == float("inf") else max(0.0, nearest - now)

    def _is_due(self, now: float) -> bool:
        """Whether to run a cycle now; sets `_full` where it has to be a full one."""
        if not self._subscribed:
            return False
        if self._problem:
            self._full = True
            return now >= self._not_before
        retry = self.reconciler.due()
        if retry is not None and max(retry, self._not_before) <= now:
            self._full = True
        if self._next_full <= now:
            self._full = True
        return self._full or bool(self._touched) or self._next_poll <= now

    def _run_cycle(self, now: float) -> None:
        """Run one cycle; log a problem once when it begins and once when it ends."""
        try:
            applied = self._reconcile(now)
        except Exception as error:
            # Neither an outage nor a bug may end the daemon: it retries.
            self.metrics.error(_kind(error))
            if error_text(error) != self._problem:
                log.warning("waiting: %s", error_text(error), exc_info=_unexpected(error))
            self._problem = error_text(error)
            self._away = self._away or isinstance(error, AwayError)
            self._not_before = self.clock() + self._backoff.fail()
            return
        if self._problem:
            log.info("recovered: %s", _summary(applied))
        if self._away:
            self._reannounce.open(now)
            self._away = False
        self._problem = ""
        self._backoff.succeed()
        self.last_success = self.clock()
        self._not_before = self.last_success + _RETRY_SECONDS
        if self.resync > 0:
            self._next_poll = self.last_success + AGENT_POLL_SECONDS

    def _reconcile(self, now: float) -> Plan:
        """Run a full or partial cycle, or only check whether the agent lost services."""
        if self._away:
            self.reconciler.require_leader()
        if not self._full and not self._touched and not self.reconciler.services_lost():
            if not self._reannounce.is_open(now):
                return Plan((), ())
            return self.reconciler.reannounce(
                self._reannounce.changed(self.reconciler.check_states())
            )
        touched = frozenset(self._touched) if self._touched and not self._full else None
        applied = self.reconciler.cycle(self._draining.now, touched)
        self.metrics.draining(len(self._draining.now))
        self._touched.clear()
        self._full = False
        if touched is None and self.resync > 0:
            self._next_full = now + self.resync
        return applied

    def _serve_until_end(self) -> None:
        try:
            self.serve()
        finally:
            self._ended.put(None)

    def _deregister_all(self) -> None:
        try:
            self.reconciler.deregister_all()
        except Exception as error:
            log.warning(
                "services stay registered: %s", error_text(error), exc_info=_unexpected(error)
            )


def handle_signals(loop: SyncLoop) -> None:
    """SIGTERM and SIGINT end the loop, SIGHUP triggers a full cycle."""
    signal.signal(signal.SIGTERM, lambda *unused: loop.end())
    signal.signal(signal.SIGINT, lambda *unused: loop.end())
    signal.signal(signal.SIGHUP, lambda *unused: loop.wake())


def _kind(error: Exception) -> str:
    """The label of errors_total for this error."""
    if isinstance(error, SourceError):
        return "docker"
    return "consul" if isinstance(error, RegistryError) else "internal"


def _unexpected(error: Exception) -> bool:
    """Whether this is a bug rather than an outage: then the traceback is logged."""
    return not isinstance(error, SourceError | RegistryError)


def _summary(applied: Plan) -> str:
    return f"{len(applied.register)} registered, {len(applied.deregister)} deregistered"
