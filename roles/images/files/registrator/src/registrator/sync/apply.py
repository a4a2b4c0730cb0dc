"""Applies a plan: one service that is refused does not affect the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from rollcall_common.backoff import Key, KeyedBackoff

from ..domain.interfaces import Metrics, RefusedError, RegistryError, ServiceRegistry
from ..domain.model import Registered, Service
from ..domain.plan import Registration, container_mark
from ..parallel import each
from .ttl_updates import TtlUpdates

log = logging.getLogger("registrator")
_WRITERS = 4
# After this many failures in one cycle the agent is unavailable: the remaining writes are skipped.
_MAX_FAILURES = 3


class Applier:
    """Registers and deregisters; a refusal is logged once and retried with a backoff of its own."""

    def __init__(self, registry: ServiceRegistry, backoff: KeyedBackoff, metrics: Metrics) -> None:
        """Set the registry to write to; nothing is sent yet."""
        self._registry = registry
        self._backoff = backoff
        self._metrics = metrics
        self._registered = 0
        self._deregistered = 0
        self._closed = False

    def apply(
        self, register: Sequence[Registration], deregister: Iterable[Registered], now: float
    ) -> tuple[list[Registration], list[str]]:
        """Register, then deregister; returns what was done.

        Raises the first RegistryError after everything that is possible has been done.
        """
        planned = {entry.service.id: entry for entry in register}
        keys = {name: ("register", name, entry.digest) for name, entry in planned.items()}
        ready = [name for name, key in keys.items() if self._backoff.ready(key, now)]
        failed: list[RegistryError] = []
        added: list[Registration] = []
        for name, refusal in self._each(self._register(planned), ready, failed).items():
            container = planned[name].service.container
            if refusal:
                self._refused(keys[name], f"{container} {name}: {refusal}", now)
            else:
                self._backoff.forget(keys[name])
                self._registered += 1
                added.append(planned[name])
                log.info("added: %s %s", container, name)
        removed = self.deregister(deregister, now, failed)
        if failed:
            raise failed[0]
        return added, removed

    def deregister(
        self,
        entries: Iterable[Registered],
        now: float,
        failed: list[RegistryError] | None = None,
    ) -> list[str]:
        """Deregister these; returns the identifiers of those that were.

        Errors are added to `failed` where it is given, else the first one is raised.
        """
        marks = {entry.id: container_mark(entry) for entry in entries}
        ready = [name for name in marks if self._backoff.ready(("deregister", name), now)]
        failures = [] if failed is None else failed
        removed: list[str] = []
        for name, refusal in self._each(self._registry.deregister, ready, failures).items():
            if refusal:
                self._refused(("deregister", name), f"{marks[name]} {name}: {refusal}", now)
            else:
                self._backoff.forget(("deregister", name))
                self._deregistered += 1
                removed.append(name)
                log.info("removed: %s", f"{marks[name]} {name}".strip())
        if failed is None and failures:
            raise failures[0]
        return removed

    def update_checks(self, updates: TtlUpdates, services: Iterable[Service], now: float) -> None:
        """Send the TTL updates of these services that are due."""
        for update in updates.pending(services, now):
            key = ("update", update.service_id)
            if not self._backoff.ready(key, now):
                continue
            try:
                self._registry.update_check(update.check_id, update.status, update.output)
            except RefusedError as error:
                updates.forget(update.service_id)
                self._refused(key, f"{update.check_id}: {error}", now)
            else:
                updates.sent(update, now)
                self._backoff.forget(key)

    def count(self, services: int, containers: int) -> None:
        """Count a cycle that succeeded, with everything written since the last one."""
        self._metrics.cycle(self._registered, self._deregistered, services, containers)
        self._registered = self._deregistered = 0

    def close(self) -> None:
        """Register nothing from now on: the daemon is deregistering its services."""
        self._closed = True

    def _register(self, planned: dict[str, Registration]) -> Callable[[str], None]:
        def register(name: str) -> None:
            if self._closed:
                raise RegistryError("the daemon is stopping")
            self._registry.register(planned[name].body)

        return register

    def _each(
        self, write: Callable[[str], None], names: Sequence[str], failed: list[RegistryError]
    ) -> dict[str, RefusedError | None]:
        """Write in parallel; the refusals by name, None for a write that was accepted."""

        def attempt(name: str) -> None:
            if len(failed) >= _MAX_FAILURES:
                raise failed[0]
            try:
                write(name)
            except RegistryError as error:
                failed.append(error)
                raise

        done: dict[str, RefusedError | None] = {}
        for name, result in each(attempt, names, _WRITERS).items():
            if result is None or isinstance(result, RefusedError):
                done[name] = result
            elif not isinstance(result, RegistryError):
                raise result
        return done

    def _refused(self, key: Key, message: str, now: float) -> None:
        if self._backoff.fail(key, now):
            self._metrics.refused()
            log.warning("refused: %s", message.strip())
