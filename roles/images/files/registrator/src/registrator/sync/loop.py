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

from ..backoff import Backoff, Jitter
from ..domain.interfaces import AwayError, Event, Metrics, NullMetrics, RegistryError, SourceError
from ..domain.plan import Plan
from ..log_once import words
from .draining import Draining, stops
from .events import Inbox, Listener
from .reconciler import Reconciler

log = logging.getLogger("registrator")

# An agent that lost its services is noticed before the resync that would mend it.
GLANCE_SECONDS = 2.0
_BACKOFF_SECONDS = (0.1, 2.0)
# What has to be tried again is never tried more often than this.
_PAUSE_SECONDS = 0.25
# The loop may hang in a request when it is told to end; the process ends without it.
_GRACE_SECONDS = 0.3
_WITHDRAWAL_SECONDS = 5.0
_ENDS_A_DRAIN = frozenset({"start", "die", "destroy"})
# An agent whose first word to the servers fails, as it does while they do not know its token yet,
# tries again after 15 to 30 s (retryFailInterval in Consul's agent/ae). Until then the catalog
# hears of no check, but at once of what is registered, with its checks as they are.
FOLLOW_SECONDS = 35.0


@dataclasses.dataclass
class Following:
    """For a while after an agent was away, whose checks have changed since they were looked at."""

    _until: float = 0.0
    _seen: dict[str, str] = dataclasses.field(default_factory=dict)

    def begin(self, now: float) -> None:
        """The agent is back: nobody knows what the catalog has heard."""
        self._until = now + FOLLOW_SECONDS
        self._seen = {}

    def is_on(self, now: float) -> bool:
        """Whether the agent may still be slow."""
        return now < self._until

    def changed(self, states: Mapping[str, str]) -> frozenset[str]:
        """The services whose checks say something else than last time, all at the first."""
        before, self._seen = self._seen, dict(states)
        return frozenset(key for key, state in states.items() if before.get(key) != state)


@dataclasses.dataclass
class Daemon:
    """Runs until `stop` is set; `resync` in seconds, 0 for never.

    `events` opens the stream: its first event is `subscribed`, and a SourceError ends it.
    `last_success` is the clock's time when the agent was last known to be right, 0 for never.
    """

    reconciler: Reconciler
    events: Callable[[], Iterator[Event]]
    resync: float
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    inbox: Inbox = dataclasses.field(default_factory=Inbox)
    metrics: Metrics = dataclasses.field(default_factory=NullMetrics)
    clock: Callable[[], float] = time.monotonic
    jitter: Jitter = random.uniform
    last_success: float = 0.0

    def __post_init__(self) -> None:
        """Before the subscription stands, a list could miss what starts right after it."""
        self._subscribed = False
        self._full = True
        self._touched: set[str] = set()
        self._draining = Draining()
        self._following = Following()
        self._away = False
        self._backoff = Backoff(*_BACKOFF_SECONDS, self.jitter)
        self._trouble = ""
        self._not_before = 0.0
        self._next_full = self._next_glance = float("inf")
        # May be filled by a signal handler at any moment.
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()

    def run(self) -> None:
        """Serve until stopped. Services stay registered, unless the settings want them gone."""
        listener = Listener(self.events, self.inbox, self.stop, self.metrics, self.jitter)
        threading.Thread(target=listener.listen, name="events", daemon=True).start()
        loop = threading.Thread(target=self._serve_and_tell, name="loop", daemon=True)
        loop.start()
        self._ended.get()
        loop.join(_GRACE_SECONDS)
        if self.reconciler.settings.deregister_on_exit:
            leaving = threading.Thread(target=self._withdraw, name="withdrawal", daemon=True)
            leaving.start()
            leaving.join(_WITHDRAWAL_SECONDS)

    def wake(self) -> None:
        """Let the loop look at everything at once. A signal handler may call this."""
        self.inbox.put(("wake", "", {}))

    def end(self) -> None:
        """Let `run` return within a second. A signal handler may call this."""
        self.stop.set()
        self.wake()
        self._ended.put(None)

    def serve(self) -> None:
        """The loop itself: gather events, look at what is due, until stopped."""
        while not self.stop.is_set():
            for event in self.inbox.gather(self._timeout()):
                self._note(event)
            now = self.clock()
            self._touched |= self._draining.over(now)
            if not self.stop.is_set() and self._is_due(now):
                self._attempt(now)

    def _note(self, event: Event) -> None:
        """What an event asks for: it carries no truth, it only says where to look."""
        action, container_id, attributes = event
        if action in ("subscribed", "wake"):
            self._subscribed = self._subscribed or action == "subscribed"
            self._full = True
            self._not_before = 0.0
            if action == "wake":
                self.reconciler.forgive()
        elif not container_id:
            self._full = True
        elif action == "kill":
            container = self.reconciler.container(container_id)
            if stops(attributes.get("signal", ""), container):
                self._draining.begin(container_id, container, self.clock())
                self._touched.add(container_id)
        else:
            if action in _ENDS_A_DRAIN:
                self._draining.end(container_id)
            self._touched.add(container_id)

    def _timeout(self) -> float | None:
        """Seconds until something is due without an event, None for never."""
        if not self._subscribed:
            return None
        now = self.clock()
        if self._trouble:
            return max(0.0, self._not_before - now)
        again = self.reconciler.due()
        due = [self._next_full, self._next_glance, self._draining.due()]
        due.append(None if again is None else max(again, self._not_before))
        nearest = min(at for at in due if at is not None)
        return None if nearest == float("inf") else max(0.0, nearest - now)

    def _is_due(self, now: float) -> bool:
        """Whether to look now; sets `_full` where an event alone would not tell enough."""
        if not self._subscribed:
            return False
        if self._trouble:
            self._full = True
            return now >= self._not_before
        again = self.reconciler.due()
        if again is not None and max(again, self._not_before) <= now:
            self._full = True
        if self._next_full <= now:
            self._full = True
        return self._full or bool(self._touched) or self._next_glance <= now

    def _attempt(self, now: float) -> None:
        """One cycle; says trouble once when it comes and once when it goes."""
        try:
            steps = self._look(now)
        except Exception as error:
            # Nothing ends the daemon but its own end: an outage or a mistake is waited out.
            self.metrics.trouble(_kind(error))
            if words(error) != self._trouble:
                log.warning("waiting: %s", words(error), exc_info=_unexpected(error))
            self._trouble = words(error)
            self._away = self._away or isinstance(error, AwayError)
            self._not_before = self.clock() + self._backoff.fail()
            return
        if self._trouble:
            log.info("recovered: %s", _summary(steps))
        if self._away:
            self._following.begin(now)
            self._away = False
        self._trouble = ""
        self._backoff.succeed()
        self.last_success = self.clock()
        self._not_before = self.last_success + _PAUSE_SECONDS
        if self.resync > 0:
            self._next_glance = self.last_success + GLANCE_SECONDS

    def _look(self, now: float) -> Plan:
        """At everything, at what events named, or only whether the agent forgot something."""
        if self._away:
            self.reconciler.welcome()
        if not self._full and not self._touched and not self.reconciler.forgotten():
            if not self._following.is_on(now):
                return Plan((), ())
            return self.reconciler.repeat(self._following.changed(self.reconciler.states()))
        touched = frozenset(self._touched) if self._touched and not self._full else None
        steps = self.reconciler.cycle(self._draining.now, touched)
        self.metrics.draining(len(self._draining.now))
        self._touched.clear()
        self._full = False
        if touched is None and self.resync > 0:
            self._next_full = now + self.resync
        return steps

    def _serve_and_tell(self) -> None:
        try:
            self.serve()
        finally:
            self._ended.put(None)

    def _withdraw(self) -> None:
        try:
            self.reconciler.withdraw()
        except Exception as error:
            log.warning("services stay registered: %s", words(error), exc_info=_unexpected(error))


def stop_on_signals(daemon: Daemon) -> None:
    """SIGTERM and SIGINT end the loop, SIGHUP makes it look at once."""
    signal.signal(signal.SIGTERM, lambda *unused: daemon.end())
    signal.signal(signal.SIGINT, lambda *unused: daemon.end())
    signal.signal(signal.SIGHUP, lambda *unused: daemon.wake())


def _kind(error: Exception) -> str:
    """What is in trouble, in the metrics' words."""
    if isinstance(error, SourceError):
        return "docker"
    return "consul" if isinstance(error, RegistryError) else "internal"


def _unexpected(error: Exception) -> bool:
    """Whether nobody foresaw this: then the log needs to know where it was."""
    return not isinstance(error, SourceError | RegistryError)


def _summary(steps: Plan) -> str:
    return f"{len(steps.register)} registered, {len(steps.deregister)} deregistered"
