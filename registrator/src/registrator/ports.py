"""What the reconciler needs of the world, one contract each; adapters fulfil them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .model import Container, Registered


class SourceError(Exception):
    """The engine did not answer: nothing is known, nothing may be concluded."""


class RegistryError(Exception):
    """The agent did not answer, or cannot serve now: try again later."""


class RefusedError(Exception):
    """The agent refuses this one registration: the others are not concerned."""


class ContainerSource(Protocol):
    """The containers that run on this host."""

    def running(self) -> list[Container]:
        """Every running container, read now; SourceError where that cannot be known."""


class ServiceRegistry(Protocol):
    """The services of this host's agent."""

    def services(self) -> Mapping[str, Registered]:
        """What is registered, by identifier; RegistryError where that cannot be known."""

    def register(self, body: Mapping[str, Any]) -> None:
        """Register a service; RefusedError for this one, RegistryError for all."""

    def deregister(self, service_id: str) -> None:
        """Deregister a service; one that is not there is no error."""
