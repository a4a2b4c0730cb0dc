"""The daemon's loop on a clock that only jumps: hours of a host's life in milliseconds."""

from __future__ import annotations

import dataclasses
import math
import queue
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    settings,
)
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import (
    FakeMetrics,
    FakeRegistry,
    FakeSource,
)
from registrator.domain.interfaces import Event
from registrator.domain.model import Container, Registered
from registrator.domain.plan import Plan
from registrator.sync.events import EventQueue
from registrator.sync.loop import SyncLoop
from registrator.sync.reconciler import Reconciler
from rollcall_common.backoff import KeyedBackoff

Happening = Event | Callable[[], None]


class Script:
    """A queue that knows what is going to be put into it, and when."""

    def __init__(self, clock: Clock, end: Callable[[], None]) -> None:
        """Nothing is going to happen; `end` is called when the last moment is reached."""
        self._clock = clock
        self._end = end
        self._coming: list[tuple[float, int, Happening]] = []
        self._count = 0
        self.last = math.inf

    def add(self, at: float, happening: Happening) -> None:
        """This will happen then, after what was added for the same moment before."""
        self._count += 1
        self._coming.append((at, self._count, happening))
        self._coming.sort(key=lambda entry: entry[:2])

    def put(self, item: Event) -> None:
        """This happens now."""
        self.add(self._clock.now, item)

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        """The next event, or queue.Empty when the time has jumped to the end of the wait."""
        latest = math.inf if timeout is None else self._clock.now + timeout
        while self._coming and self._coming[0][0] <= min(latest, self.last):
            at, _count, happening = self._coming.pop(0)
            self._clock.now = max(self._clock.now, at)
            if not callable(happening):
                return happening
            happening()
        if latest >= self.last:
            self._clock.now = self.last
            self._end()
        else:
            self._clock.now = latest
        raise queue.Empty


@dataclasses.dataclass(frozen=True)
class Cycle:
    """One look of the daemon's, with the seconds since the story began."""

    at: float
    draining: frozenset[str]
    touched: frozenset[str] | None


class Watched(Reconciler):
    """A reconciler that remembers its cycles."""

    cycles: list[Cycle]

    def cycle(
        self, draining: frozenset[str] = frozenset(), touched: frozenset[str] | None = None
    ) -> Plan:
        """Remember, and reconcile."""
        self.cycles.append(Cycle(round(self.clock() - 1000.0, 3), draining, touched))
        return super().cycle(draining, touched)


class Host:
    """A host with an engine and an agent, whose daemon subscribes at the story's beginning."""

    def __init__(self, *running: Container, resync: float = 0, **changes: Any) -> None:
        """These containers run, and the agent is empty."""
        self.source = FakeSource(list(running))
        self.registry = FakeRegistry()
        self.metrics = FakeMetrics()
        self.clock = Clock()
        backoff = KeyedBackoff(1.0, 60.0, jitter=longest)
        self.reconciler = Watched(
            self.source,
            self.registry,
            settings(**changes),
            HOST_IP,
            self.metrics,
            self.clock,
            backoff,
        )
        self.reconciler.cycles = []
        self.script = Script(self.clock, self._end)
        self.daemon = SyncLoop(
            self.reconciler,
            self._events,
            resync,
            event_queue=EventQueue(self.script, self.clock),
            metrics=self.metrics,
            clock=self.clock,
            jitter=longest,
        )
        self.script.add(self.clock.now, ("subscribed", "", {}))

    def at(self, seconds: float, *happenings: Happening) -> Host:
        """These happen so many seconds after the story's beginning."""
        for happening in happenings:
            self.script.add(1000.0 + seconds, happening)
        return self

    def until(self, seconds: float) -> Host:
        """Live up to that moment."""
        self.script.last = 1000.0 + seconds
        self.daemon.stop.clear()
        self.daemon.serve()
        return self

    def starts(self, entry: Container, heard: bool = True) -> Callable[[], None]:
        """A container starts; the event may be lost."""

        def start() -> None:
            self.source.containers = [*self._others(entry), entry]
            if heard:
                self.script.put(("start", entry.id, {}))

        return start

    def dies(self, entry: Container, code: int = 0, heard: bool = True) -> Callable[[], None]:
        """A container ends; the event may be lost."""

        def die() -> None:
            self.source.containers = self._others(entry)
            self.source.codes[entry.short_id] = self.source.codes[entry.id] = code
            if heard:
                self.script.put(("die", entry.id, {"exitCode": str(code)}))

        return die

    def removed(self, entry: Container) -> Callable[[], None]:
        """A container that ended is removed."""

        def remove() -> None:
            for key in (entry.id, entry.short_id):
                self.source.codes.pop(key, None)
            self.script.put(("destroy", entry.id, {}))

        return remove

    @property
    def ids(self) -> list[str]:
        """The identifiers in the agent."""
        return sorted(self.registry.entries)

    @property
    def one(self) -> Registered:
        """The only service in the agent."""
        [entry] = self.registry.entries.values()
        return entry

    @property
    def cycles(self) -> list[Cycle]:
        """The looks of the daemon's so far."""
        return self.reconciler.cycles

    def _others(self, entry: Container) -> list[Container]:
        return [other for other in self.source.containers if other.id != entry.id]

    def _end(self) -> None:
        self.daemon.stop.set()

    def _events(self) -> Iterator[Event]:
        yield from ()


def killed(entry: Container, signal: str = "15") -> Event:
    """The event of a signal that a container is sent."""
    return ("kill", entry.id, {"signal": signal})


def happened(action: str, entry: Container) -> Event:
    """Any other event."""
    return (action, entry.id, {})


def longest(_low: float, high: float) -> float:
    """No jitter: a story's backoffs are as long as they can be."""
    return high
