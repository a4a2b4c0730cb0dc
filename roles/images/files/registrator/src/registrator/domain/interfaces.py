"""What the reconciler needs of the world, one contract each; adapters fulfil them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .model import Container, Registered

# An action, the container it happened to ("" where it is not said) and the event's attributes.
Event = tuple[str, str, Mapping[str, str]]


class SourceError(Exception):
    """The engine did not answer: nothing is known, nothing may be concluded."""


class RegistryError(Exception):
    """The agent did not answer, or cannot serve now: try again later."""


class AwayError(RegistryError):
    """Nobody answers, or an agent that has just started."""


class RefusedError(Exception):
    """The agent refuses this one request: the other services are not concerned."""


class ContainerSource(Protocol):
    """The containers of this host. Every method may be called from several threads at once."""

    def ids(self) -> list[str]:
        """The running containers' full identifiers; SourceError where they cannot be known."""

    def inspect(self, container_id: str) -> Container | None:
        """The container as it is now, None where it is gone or neither runs nor is paused.

        One that waits for its restart does not run. Only "not found" means gone: every other
        failure is a SourceError.
        """

    def exit_code(self, container_id: str) -> int | None:
        """The code a container ended with, by identifier or name; None where it is gone."""


class ServiceRegistry(Protocol):
    """The services of this host's agent. Every method may be called from several threads."""

    def leader(self) -> str:
        """The leader as the agent knows it, empty without one; RegistryError when it is away."""

    def seal(self) -> str:
        """Stands for the token that services are registered with, without telling it.

        Consul keeps a service in the catalog with the token it came with: one that came with
        another is registered again. Empty without a token; RegistryError where it cannot be read.
        """

    def services(self) -> Mapping[str, Registered]:
        """What is registered, by identifier; RegistryError where that cannot be known."""

    def states(self) -> Mapping[str, str]:
        """What the checks of each service say, in any words, by the service's identifier.

        Without those that have no check. RegistryError where that cannot be known.
        """

    def register(self, body: Mapping[str, Any]) -> None:
        """Register a service; RefusedError for this one, RegistryError for all."""

    def deregister(self, service_id: str) -> None:
        """Deregister a service; one that is not there is no error. RefusedError for this one."""

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Set a TTL check to passing or critical; RefusedError for a check that is not there."""


class Metrics(Protocol):
    """Hears what the daemon does; called from the loop's and the listener's threads."""

    def cycle(self, registered: int, deregistered: int, services: int, containers: int) -> None:
        """A cycle succeeded: what it wrote, and how much it looks after now."""

    def refused(self) -> None:
        """The agent refused a service: once for each refusal that is new."""

    def trouble(self, kind: str) -> None:
        """An attempt failed: `docker`, `consul`, `container`, `events` or `internal`."""

    def event(self, action: str) -> None:
        """Docker told of something."""

    def draining(self, containers: int) -> None:
        """So many containers are being stopped now."""


class NullMetrics(Metrics):
    """Hears nothing."""
