"""Follows any number of services on four connections.

Three blocking queries report that the nodes, the services or the checks have changed; then one
connection reads what may have changed. Without a leader there is no answer, and what was known
stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ...settings.model import Settings
from ..consul_client import Answer
from ..contact import Contact
from ..subscription import Report, Subscription
from ..threads import repeat
from . import queries
from .pace import Pace
from .reader import CatalogReader, Signals
from .watch import Watch

# The reader shows at this interval that it is alive.
_IDLE_SECONDS = 1.0
T = TypeVar("T")


class CatalogFollower:
    """Follows the services of the settings; another thread calls `on_change` after each change."""

    def __init__(self, options: Settings, on_change: Callable[[], None]) -> None:
        """Start at once."""
        self.consul = options.consul
        self._on_change = on_change
        self._stop = threading.Event()
        # Protects the subscription, the report and the answers of the watches.
        self._changed = threading.Condition()
        self._subscription = Subscription.of(options)
        self._report: Report | None = None
        self._reported: Signals | None = None
        self._reader = CatalogReader(options.consul, self._subscription)
        self._pace = Pace()
        self._contact = Contact("nodes", "services", "checks", "catalog")
        # A service that changes moves the index of the nodes as well.
        self._nodes = self._watch("nodes", queries.NODES, queries.nodes, lambda each: each.body)
        self._services = self._watch("services", queries.SERVICES, queries.services, _index)
        self._checks = self._watch("checks", queries.CHECKS_INDEX, queries.nothing, _index)
        repeat("catalog", self._step, self._stop, self._contact.failed)

    @property
    def problem(self) -> str:
        """Why Consul is not heard, "" where it is."""
        return self._contact.problem

    def heard_age(self, now: float) -> float | None:
        """For how many seconds a query has been without an answer; None before the first one."""
        return self._contact.age(now)

    def follow(self, options: Settings) -> None:
        """Follow the services of these settings, of the same Consul, from now on."""
        with self._changed:
            self._subscription = Subscription.of(options)
            self._report = None
            self._changed.notify_all()

    def read(self) -> Report | None:
        """The last report; None before the first one."""
        return self._report

    def stop(self) -> None:
        """Stop following; the connections are closed."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for each in (self._nodes, self._services, self._checks, self._reader):
            each.close()

    def _watch(
        self,
        name: str,
        path: str,
        parse: Callable[[bytes], T],
        version: Callable[[Answer[T]], object],
    ) -> Watch[T]:
        watch = Watch(self.consul, path, parse, version, self._changed, self._stop)

        def step() -> None:
            watch.step()
            self._contact.heard(name)

        repeat(name, step, self._stop, self._contact.failed)
        return watch

    def _step(self) -> None:
        """Wait for a change, and report it."""
        with self._changed:
            due = self._changed.wait_for(self._is_due, _IDLE_SECONDS)
        if due and not self._stop.wait(self._pace.delay(time.monotonic())):
            self._update()
        self._contact.heard("catalog")

    def _update(self) -> None:
        with self._changed:
            for each in (self._nodes, self._services, self._checks):
                each.take()
            signals = self._signals()
        assert signals is not None
        if self._reader.subscription is not signals.subscription:
            self._reader.close()
            self._reader = CatalogReader(self.consul, signals.subscription)
        began, worked = time.monotonic(), time.thread_time()
        report = self._reader.read(signals)
        self._pace.read(began, time.monotonic(), time.thread_time() - worked)
        with self._changed:
            self._reported = signals
            new = signals.subscription is self._subscription and report != self._report
            if new:
                self._report = report
        if new:
            self._on_change()

    def _is_due(self) -> bool:
        signals = self._signals()
        reported = self._reported
        changed = signals is not None and (reported is None or not signals.same(reported))
        return changed or self._stop.is_set()

    def _signals(self) -> Signals | None:
        """The last answers; None while one is missing."""
        nodes, services, checks = (
            self._nodes.answer,
            self._services.answer,
            self._checks.answer,
        )
        if nodes is None or services is None or checks is None:
            return None
        return Signals(nodes, services, checks, self._subscription)


def _index(answer: Answer[Any]) -> int:
    return answer.index
