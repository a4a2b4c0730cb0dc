"""One cycle: list, derive, compare, apply the difference."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..backoff import Patience
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
    CONTAINER,
    Plan,
    container_of,
    is_ours,
    joined_to,
    plan,
    strays,
    unambiguous,
    within_scope,
)
from ..domain.services import services_of
from ..domain.settings import Settings
from ..log_once import Telling
from ..parallel import Result, within
from .apply import Applier
from .container_reader import Known, Survey, services_in, survey
from .exit_policy import Exits
from .ttl_updates import Heartbeat

_HANGS_SECONDS = 3.0


@dataclasses.dataclass
class Reconciler:
    """Makes the agent's services those of the running containers; `own_ip` stands for 0.0.0.0."""

    source: ContainerSource
    registry: ServiceRegistry
    settings: Settings
    own_ip: str
    metrics: Metrics = dataclasses.field(default_factory=NullMetrics)
    clock: Callable[[], float] = time.monotonic
    patience: Patience = dataclasses.field(default_factory=lambda: Patience(1.0, 60.0))

    def __post_init__(self) -> None:
        """Nothing was seen yet."""
        self._known: dict[str, Known] = {}
        self._listed = False
        self._telling = Telling()
        self._heartbeat = Heartbeat()
        owner, patience = self.settings.hostname, self.patience
        on_success = self.settings.deregister == "on-success"
        self._exits = Exits(self.source, on_success, patience, self._telling)
        self._applier = Applier(self.registry, owner, patience, self.metrics)

    def cycle(
        self, draining: frozenset[str] = frozenset(), touched: frozenset[str] | None = None
    ) -> Plan:
        """Reconcile once, leaving out the containers in `draining`; returns what was applied.

        With `touched` only these containers are looked at, and only their services change, unless
        that might be wrong: then everything is looked at, as without.
        Raises SourceError or RegistryError with nothing concluded from half an answer.
        """
        now = self.clock()
        if touched is not None and self._listed:
            steps = self._look_at(touched, draining, now)
            if steps is not None:
                return steps
        return self._look_at_all(draining, now)

    def container(self, container_id: str) -> Container | None:
        """A container as it was last read, None for one that was never seen running."""
        known = self._known.get(container_id)
        return known.container if known else None

    def due(self) -> float | None:
        """When something has to be tried or told again, None where nothing waits."""
        times = (self.patience.due(), self._heartbeat.due())
        return min((at for at in times if at is not None), default=None)

    def forgive(self) -> None:
        """Try at once what was refused: somebody may have mended it."""
        self.patience.clear()

    def welcome(self) -> None:
        """Wait no more for an agent that is back; AwayError while it knows no leader.

        It keeps what is written then for as long as its rpc_hold_timeout, 7 s, in the hope of one,
        and answers nobody meanwhile.
        """
        if not _promptly(self.registry.leader):
            raise AwayError("Consul knows no leader yet")

    def forgotten(self) -> bool:
        """Whether the agent lost a service that stood there; RegistryError when it is away."""
        refused = {key[1] for key in self.patience.waiting("register")}
        wanted = {service.id for service in services_in(self._known)}
        return not wanted - refused <= self._registered().keys()

    def states(self) -> Mapping[str, str]:
        """What the agent says of the checks of what runs here; RegistryError when it is away."""
        ours = {service.id for service in services_in(self._known)}
        return {key: state for key, state in self.registry.states().items() if key in ours}

    def repeat(self, service_ids: frozenset[str]) -> Plan:
        """Register these again as they are; returns what was applied."""
        services = [each for each in services_in(self._known) if each.id in service_ids]
        return self._apply(services, (), (), self.clock())

    def withdraw(self) -> None:
        """Deregister all that is ours, and register nothing any more."""
        self._applier.close()
        here = {key[:12] for key in self._known}
        found = self._registered().values()
        ours = [entry for entry in found if is_ours(entry, self.settings.hostname, here)]
        self._applier.deregister(ours, self.clock())

    def _look_at_all(self, draining: frozenset[str], now: float) -> Plan:
        """The full cycle: everything is listed and read anew."""
        ids = self.source.ids()
        read = self._survey([key for key in ids if key not in draining], now)
        registered = self._registered()
        wanted, losers = unambiguous(read.services, registered)
        here = frozenset(key[:12] for key in ids)
        self._tell(read, losers)
        self._telling.keep(here | {container_of(entry) for entry in registered.values()})
        steps = plan(wanted, registered, self.settings.hostname, here, self.registry.seal())
        unread = {key[:12] for key in read.unread}
        # Without our mark nobody can say that a service is not an unread container's.
        going = [
            entry
            for entry in (registered[key] for key in steps.deregister)
            if not unread or entry.meta.get(CONTAINER, "") not in {"", *unread}
        ]
        self._remember(read.known, draining | read.unread.keys())
        names = {known.container.name for known in read.known.values()}
        applied = self._apply(steps.register, going, here | names, now)
        self._heartbeat.keep({service.id for service in wanted})
        self._beat(wanted, registered, applied, now)
        self.patience.lapse(now)
        self._listed = True
        return applied

    def _look_at(
        self, touched: frozenset[str], draining: frozenset[str], now: float
    ) -> Plan | None:
        """The quick cycle: only what events named; None where that might be wrong."""
        seen = {key: known.container for key, known in self._known.items()}
        touched |= joined_to(touched, seen)
        read = self._survey(sorted(touched - draining), now)
        registered = self._registered()
        wanted, losers = unambiguous(read.services, registered)
        others = {key: value for key, value in self._known.items() if key not in touched}
        claimed = {service.id for service in services_in(others)}
        ids = {service.id for service in wanted}
        owner = self.settings.hostname
        if read.unread or losers or ids & claimed or strays(registered, owner, ids | claimed):
            return None
        self._tell(read, losers)
        shorts = frozenset(key[:12] for key in touched)
        scope = within_scope(registered, ids, shorts)
        steps = plan(wanted, scope, owner, shorts, self.registry.seal())
        here = {key[:12] for key in read.known} | {key[:12] for key in draining}
        self._remember({**others, **read.known}, touched & draining)
        going = [registered[key] for key in steps.deregister]
        applied = self._apply(steps.register, going, here, now)
        self._beat(wanted, registered, applied, now)
        return applied

    def _registered(self) -> Mapping[str, Registered]:
        return _promptly(self.registry.services)

    def _survey(self, container_ids: Iterable[str], now: float) -> Survey:
        def derive(container: Container) -> tuple[list[Service], list[Ignored]]:
            return services_of(container, self.settings, self.own_ip)

        return survey(self.source, derive, container_ids, self.patience, now)

    def _remember(self, known: dict[str, Known], absent: Iterable[str]) -> None:
        """Keep what was read; of those that were not, keep how they are stopped."""
        kept = {key: Known(self._known[key].container, ()) for key in absent if key in self._known}
        self._known = {**known, **kept}

    def _apply(
        self,
        register: Sequence[Service],
        deregister: Iterable[Registered],
        here: Iterable[str],
        now: float,
    ) -> Plan:
        running = frozenset(here)
        going = [entry for entry in deregister if self._exits.release(entry, running, now)]
        added, removed = self._applier.apply(register, going, now)
        for service in added:
            self._heartbeat.forget(service.id)
        self._applier.count(len(services_in(self._known)), len(self._known))
        return Plan(tuple(added), tuple(removed))

    def _beat(
        self,
        wanted: Iterable[Service],
        registered: Mapping[str, Registered],
        applied: Plan,
        now: float,
    ) -> None:
        if self.settings.docker_health:
            standing = registered.keys() | {service.id for service in applied.register}
            fed = [service for service in wanted if service.id in standing]
            self._applier.beat(self._heartbeat, fed, now)

    def _tell(self, read: Survey, losers: Iterable[Service]) -> None:
        for entry in read.ignored:
            self._telling.once("ignored", entry.container, entry.reason)
        for service in losers:
            self._telling.once("ignored", service.container, f"{service.id} is another's already")
        for key, reason in read.unread.items():
            if reason and self._telling.once("unread", key[:12], reason):
                self.metrics.trouble("container")


def _promptly(question: Callable[[], Result]) -> Result:
    """The agent's answer; one that is starting may take a request and never give any."""
    try:
        return within(_HANGS_SECONDS, question)
    except TimeoutError as error:
        raise RegistryError(f"Consul gave {error} within {_HANGS_SECONDS:g} s") from error
