"""One cycle: list, derive, compare, apply the difference."""

from __future__ import annotations

import dataclasses
import logging

from .model import Container, Service
from .plan import Plan, payload, plan
from .ports import ContainerSource, RefusedError, ServiceRegistry
from .services import services_of
from .settings import Settings

log = logging.getLogger("registrator")


@dataclasses.dataclass
class Reconciler:
    """Makes the agent's services those of the running containers; `own_ip` stands for 0.0.0.0."""

    source: ContainerSource
    registry: ServiceRegistry
    settings: Settings
    own_ip: str
    _told: set[tuple[str, str]] = dataclasses.field(default_factory=set)

    def cycle(self, draining: frozenset[str] = frozenset()) -> Plan:
        """Reconcile once, leaving out the containers in `draining`; returns what was applied.

        Raises SourceError or RegistryError with nothing concluded from half an answer.
        """
        containers = [entry for entry in self.source.running() if entry.id not in draining]
        desired = [service for container in containers for service in self._derive(container)]
        steps = plan(desired, self.registry.services(), self.settings.hostname)
        for service in steps.register:
            self._register(service)
        for service_id in steps.deregister:
            self.registry.deregister(service_id)
            log.info("removed: %s", service_id)
        return steps

    def _derive(self, container: Container) -> list[Service]:
        services, ignored = services_of(container, self.settings, self.own_ip)
        for entry in ignored:
            self._tell("ignored", entry.container, entry.reason)
        return services

    def _register(self, service: Service) -> None:
        try:
            self.registry.register(payload(service, self.settings.hostname))
        except RefusedError as error:
            self._tell("refused", service.container, f"{service.id}: {error}")
        else:
            log.info("added: %s %s", service.container, service.id)

    def _tell(self, what: str, container: str, reason: str) -> None:
        """Say a thing once, not at every cycle."""
        if (container, reason) not in self._told:
            self._told.add((container, reason))
            log.info("%s: %s %s", what, container, reason)
