"""One cycle: list the containers, derive their services, compare, apply the difference."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from rollcall_common.backoff import KeyedBackoff

from ..domain.interfaces import (
    AwayError,
    ContainerSource,
    Metrics,
    NullMetrics,
    RegistryError,
    ServiceRegistry,
)
from ..domain.model import Container, Ignored, Registered, Service
from ..domain.plan import (
    Plan,
    Registration,
    container_mark,
    container_of,
    is_ours,
    plan,
    registration,
    unaccounted,
    unambiguous,
    within_scope,
)
from ..domain.services import services_of
from ..domain.settings import Settings
from ..parallel import Result, with_timeout
from .apply import Applier
from .container_reader import Known, ReadResult, read_containers, services_in, sharing_network
from .exit_policy import ExitPolicy
from .skip_log import SkipLog
from .ttl_updates import TtlUpdates

_TIMEOUT_SECONDS = 3.0


@dataclasses.dataclass
class Reconciler:
    """Registers the services of the running containers; `host_ip` replaces 0.0.0.0."""

    source: ContainerSource
    registry: ServiceRegistry
    settings: Settings
    host_ip: str
    metrics: Metrics = dataclasses.field(default_factory=NullMetrics)
    clock: Callable[[], float] = time.monotonic
    backoff: KeyedBackoff = dataclasses.field(default_factory=lambda: KeyedBackoff(1.0, 60.0))

    def __post_init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[str, Known] = {}
        self._listed = False
        self._skip_log = SkipLog()
        self._ttl_updates = TtlUpdates()
        on_success = self.settings.deregister == "on-success"
        self._exit_policy = ExitPolicy(self.source, on_success, self.backoff, self._skip_log)
        self._applier = Applier(self.registry, self.backoff, self.metrics)

    def cycle(
        self, draining: frozenset[str] = frozenset(), touched: frozenset[str] | None = None
    ) -> Plan:
        """Reconcile once, without the containers in `draining`; returns what was applied.

        With `touched` only these containers are inspected and only their services change. Where
        that might be wrong, the cycle is a full one.
        Raises SourceError or RegistryError; nothing is concluded from an incomplete answer.
        """
        now = self.clock()
        if touched is not None and self._listed:
            applied = self._partial_cycle(touched, draining, now)
            if applied is not None:
                return applied
        return self._full_cycle(draining, now)

    def container(self, container_id: str) -> Container | None:
        """A container as it was last inspected, None for one that is unknown."""
        known = self._known.get(container_id)
        return known.container if known else None

    def due(self) -> float | None:
        """When the next retry or TTL update is due, None without any."""
        times = (self.backoff.due(), self._ttl_updates.due())
        return min((at for at in times if at is not None), default=None)

    def reset_backoff(self) -> None:
        """Retry at once what was refused: an operator may have fixed the cause."""
        self.backoff.clear()

    def require_leader(self) -> None:
        """Raise AwayError while an agent that was away knows no leader.

        Without a leader it holds a write for up to rpc_hold_timeout, 7 s, and answers no other
        request meanwhile.
        """
        if not _with_timeout(self.registry.leader):
            raise AwayError("Consul has no cluster leader")

    def services_lost(self) -> bool:
        """Whether the agent lacks a registered service; RegistryError when it is unreachable."""
        refused = {key[1] for key in self.backoff.failed("register")}
        wanted = {service.id for service in services_in(self._known)}
        return not wanted - refused <= self._registered().keys()

    def check_states(self) -> Mapping[str, str]:
        """The states of the checks of our services; RegistryError when it is unreachable."""
        ours = {service.id for service in services_in(self._known)}
        return {key: state for key, state in self.registry.check_states().items() if key in ours}

    def reannounce(self, service_ids: frozenset[str]) -> Plan:
        """Register these services again unchanged; returns what was applied."""
        services = [entry for entry in services_in(self._known) if entry.id in service_ids]
        fingerprint = self.registry.token_fingerprint() if services else ""
        owner = self.settings.hostname
        register = [registration(service, owner, fingerprint) for service in services]
        return self._apply(register, (), (), self.clock())

    def deregister_all(self) -> None:
        """Deregister all our services, and register nothing from now on."""
        self._applier.close()
        running = {key[:12] for key in self._known}
        found = self._registered().values()
        ours = [entry for entry in found if is_ours(entry, self.settings.hostname, running)]
        self._applier.deregister(ours, self.clock())

    def _full_cycle(self, draining: frozenset[str], now: float) -> Plan:
        """List and inspect all containers."""
        ids = self.source.ids()
        read = self._read([key for key in ids if key not in draining], now)
        registered = self._registered()
        wanted, losers = unambiguous(read.services, registered)
        running = frozenset(key[:12] for key in ids)
        self._log_skipped(read, losers)
        self._skip_log.retain(running | {container_of(entry) for entry in registered.values()})
        fingerprint = self.registry.token_fingerprint()
        steps = plan(wanted, registered, self.settings.hostname, running, fingerprint)
        unread = {key[:12] for key in read.unread}
        # A service without our mark might belong to a container that could not be inspected.
        deregister = [
            entry
            for entry in (registered[key] for key in steps.deregister)
            if not unread or container_mark(entry) not in {"", *unread}
        ]
        self._remember(read.known, draining | read.unread.keys())
        names = {known.container.name for known in read.known.values()}
        applied = self._apply(steps.register, deregister, running | names, now)
        self._ttl_updates.retain({service.id for service in wanted})
        self._update_checks(wanted, registered, applied, now)
        self.backoff.expire(now)
        self._listed = True
        return applied

    def _partial_cycle(
        self, touched: frozenset[str], draining: frozenset[str], now: float
    ) -> Plan | None:
        """Inspect only the containers that events named; None where a full cycle is needed."""
        containers = {key: known.container for key, known in self._known.items()}
        touched |= sharing_network(touched, containers)
        read = self._read(sorted(touched - draining), now)
        registered = self._registered()
        wanted, losers = unambiguous(read.services, registered)
        others = {key: value for key, value in self._known.items() if key not in touched}
        claimed = {service.id for service in services_in(others)}
        ids = {service.id for service in wanted}
        owner = self.settings.hostname
        if read.unread or losers or ids & claimed or unaccounted(registered, owner, ids | claimed):
            return None
        self._log_skipped(read, losers)
        short_ids = frozenset(key[:12] for key in touched)
        scope = within_scope(registered, ids, short_ids)
        steps = plan(wanted, scope, owner, short_ids, self.registry.token_fingerprint())
        running = {key[:12] for key in read.known} | {key[:12] for key in draining}
        self._remember({**others, **read.known}, touched & draining)
        deregister = [registered[key] for key in steps.deregister]
        applied = self._apply(steps.register, deregister, running, now)
        self._update_checks(wanted, registered, applied, now)
        return applied

    def _registered(self) -> Mapping[str, Registered]:
        return _with_timeout(self.registry.services)

    def _read(self, container_ids: Iterable[str], now: float) -> ReadResult:
        def derive(container: Container) -> tuple[list[Service], list[Ignored]]:
            return services_of(container, self.settings, self.host_ip)

        return read_containers(self.source, derive, container_ids, self.backoff, now)

    def _remember(self, known: dict[str, Known], absent: Iterable[str]) -> None:
        """Keep what was read; of containers that were not, keep how they are stopped."""
        kept = {key: Known(self._known[key].container, ()) for key in absent if key in self._known}
        self._known = {**known, **kept}

    def _apply(
        self,
        register: Sequence[Registration],
        deregister: Iterable[Registered],
        running: Iterable[str],
        now: float,
    ) -> Plan:
        alive = frozenset(running)
        allowed = [
            entry for entry in deregister if self._exit_policy.may_deregister(entry, alive, now)
        ]
        added, removed = self._applier.apply(register, allowed, now)
        for entry in added:
            self._ttl_updates.forget(entry.service.id)
        self._applier.count(len(services_in(self._known)), len(self._known))
        return Plan(tuple(added), tuple(removed))

    def _update_checks(
        self,
        wanted: Iterable[Service],
        registered: Mapping[str, Registered],
        applied: Plan,
        now: float,
    ) -> None:
        if self.settings.docker_health:
            existing = registered.keys() | {entry.service.id for entry in applied.register}
            services = [service for service in wanted if service.id in existing]
            self._applier.update_checks(self._ttl_updates, services, now)

    def _log_skipped(self, read: ReadResult, losers: Iterable[Service]) -> None:
        for entry in read.ignored:
            self._skip_log("ignored", entry.container, entry.reason)
        for service in losers:
            message = f"{service.id} is already used by another container"
            self._skip_log("ignored", service.container, message)
        for key, reason in read.unread.items():
            if reason and self._skip_log("unread", key[:12], reason):
                self.metrics.error("container")


def _with_timeout(request: Callable[[], Result]) -> Result:
    """The agent's answer; one that is starting may accept a request and never answer it."""
    try:
        return with_timeout(_TIMEOUT_SECONDS, request)
    except TimeoutError as error:
        raise RegistryError(f"Consul gave {error} within {_TIMEOUT_SECONDS:g} s") from error
