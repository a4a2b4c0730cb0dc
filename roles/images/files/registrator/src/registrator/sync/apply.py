"""Writes a plan to the agent: one bad service costs the others nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..backoff import Patience
from ..domain.interfaces import Metrics, RefusedError, RegistryError, ServiceRegistry
from ..domain.model import Registered, Service
from ..domain.plan import CONTAINER, HASH, payload
from ..parallel import each
from .ttl_updates import Heartbeat

log = logging.getLogger("registrator")
_WRITERS = 4
# An agent that failed so often in one cycle is away: the rest need not wait for it too.
_ENOUGH_FAILURES = 3


class Applier:
    """Registers and deregisters; what is refused is said once and put off, each with a backoff."""

    def __init__(
        self, registry: ServiceRegistry, owner: str, patience: Patience, metrics: Metrics
    ) -> None:
        """Write to this registry with this owner's mark; nothing is sent yet."""
        self._registry = registry
        self._owner = owner
        self._patience = patience
        self._metrics = metrics
        self._registered = 0
        self._deregistered = 0
        self._closed = False

    def apply(
        self, register: Sequence[Service], deregister: Iterable[Registered], now: float
    ) -> tuple[list[Service], list[str]]:
        """Register, then deregister; returns what was done.

        Raises the first RegistryError when everything that could be done has been.
        """
        seal = self._registry.seal() if register else ""
        bodies = {service.id: payload(service, self._owner, seal) for service in register}
        services = {service.id: service for service in register}
        keys = {name: ("register", name, body["Meta"][HASH]) for name, body in bodies.items()}
        ready = [name for name, key in keys.items() if self._patience.ready(key, now)]
        failed: list[RegistryError] = []
        added: list[Service] = []
        for name, refusal in self._each(self._put(bodies), ready, failed).items():
            service = services[name]
            if refusal:
                self._refused(keys[name], f"{service.container} {name}: {refusal}", now)
            else:
                self._patience.forget(keys[name])
                self._registered += 1
                added.append(service)
                log.info("added: %s %s", service.container, name)
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
        """Deregister these; returns what went. Errors are added to `failed` where it is given."""
        marks = {entry.id: entry.meta.get(CONTAINER, "") for entry in entries}
        ready = [name for name in marks if self._patience.ready(("deregister", name), now)]
        failures = [] if failed is None else failed
        removed: list[str] = []
        for name, refusal in self._each(self._registry.deregister, ready, failures).items():
            if refusal:
                self._refused(("deregister", name), f"{marks[name]} {name}: {refusal}", now)
            else:
                self._patience.forget(("deregister", name))
                self._deregistered += 1
                removed.append(name)
                log.info("removed: %s", f"{marks[name]} {name}".strip())
        if failed is None and failures:
            raise failures[0]
        return removed

    def beat(self, heartbeat: Heartbeat, services: Iterable[Service], now: float) -> None:
        """Tell the agent what Docker's health checks say of these services, as far as it is due."""
        for beat in heartbeat.beats(services, now):
            key = ("beat", beat.service_id)
            if not self._patience.ready(key, now):
                continue
            try:
                self._registry.update_check(beat.check_id, beat.status, beat.output)
            except RefusedError as error:
                heartbeat.forget(beat.service_id)
                self._refused(key, f"{beat.check_id}: {error}", now)
            else:
                heartbeat.sent(beat, now)
                self._patience.forget(key)

    def count(self, services: int, containers: int) -> None:
        """Tell the metrics of a cycle that succeeded, with what was written since the last."""
        self._metrics.cycle(self._registered, self._deregistered, services, containers)
        self._registered = self._deregistered = 0

    def close(self) -> None:
        """Register nothing any more: the daemon withdraws."""
        self._closed = True

    def _put(self, bodies: dict[str, dict[str, Any]]) -> Callable[[str], None]:
        def put(name: str) -> None:
            if self._closed:
                raise RegistryError("the daemon ends")
            self._registry.register(bodies[name])

        return put

    def _each(
        self, write: Callable[[str], None], names: Sequence[str], failed: list[RegistryError]
    ) -> dict[str, RefusedError | None]:
        """Write all of them, a few at a time; the refusals by name, None for what was taken."""

        def attempt(name: str) -> None:
            if len(failed) >= _ENOUGH_FAILURES:
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

    def _refused(self, key: tuple[str, ...], what: str, now: float) -> None:
        if self._patience.fail(key, now):
            self._metrics.refused()
            log.warning("refused: %s", what.strip())
