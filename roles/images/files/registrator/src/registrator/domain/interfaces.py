"""What the reconciliation needs from outside: the interfaces that the adapters implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .model import Container, Registered

# The action, the container's identifier ("" where the event has none) and the attributes.
Event = tuple[str, str, Mapping[str, str]]


class SourceError(Exception):
    """The engine did not answer: the state of the containers is unknown."""


class RegistryError(Exception):
    """The registry did not answer or cannot serve requests now: retry later."""


class AwayError(RegistryError):
    """The agent is unreachable, or has just started."""


class RefusedError(Exception):
    """The registry refuses this one request; other services are not affected."""


class ContainerSource(Protocol):
    """The containers of this host. Every method may be called from several threads at once."""

    def ids(self) -> list[str]:
        """The running containers' full identifiers; SourceError where they are unknown."""

    def inspect(self, container_id: str) -> Container | None:
        """The container as it is now, None where it is gone or neither running nor paused.

        One that waits for its restart is not running. Only "not found" means gone: every other
        failure is a SourceError.
        """

    def exit_code(self, container_id: str) -> int | None:
        """The exit code of a container, by identifier or name; None where it is gone."""


class ServiceRegistry(Protocol):
    """The services of this host's agent. Every method may be called from several threads."""

    def leader(self) -> str:
        """The leader as the agent knows it, empty without one; RegistryError when unreachable."""

    def token_fingerprint(self) -> str:
        """A digest of the token that services are registered with.

        Consul syncs a service to the catalog with the token that it was registered with: after a
        rotation it has to be registered again. Empty without a token; RegistryError where the
        token cannot be read.
        """

    def services(self) -> Mapping[str, Registered]:
        """The registered services by identifier; RegistryError where they are unknown."""

    def check_states(self) -> Mapping[str, str]:
        """The state of each service's checks as text, by the service's identifier.

        Without the services that have no check. RegistryError where the states are unknown.
        """

    def register(self, body: Mapping[str, Any]) -> None:
        """Register a service; RefusedError for this one, RegistryError for all."""

    def deregister(self, service_id: str) -> None:
        """Deregister a service; an unknown one is no error. RefusedError for this one."""

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Set a TTL check to passing or critical; RefusedError for an unknown check."""


class Metrics(Protocol):
    """Counts what the daemon does; called from the loop's and the listener's threads."""

    def cycle(self, registered: int, deregistered: int, services: int, containers: int) -> None:
        """A cycle succeeded: what it wrote, and how many services and containers there are."""

    def refused(self) -> None:
        """The agent refused a service: once for each new refusal."""

    def error(self, kind: str) -> None:
        """An attempt failed: `docker`, `consul`, `container`, `events` or `internal`."""

    def event(self, action: str) -> None:
        """An event was received from Docker."""

    def draining(self, containers: int) -> None:
        """The number of containers that are being stopped now."""


class NullMetrics(Metrics):
    """Counts nothing."""
