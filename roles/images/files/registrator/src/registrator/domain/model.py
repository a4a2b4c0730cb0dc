"""The values: containers as Docker reports them, services as Consul registers them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Binding:
    """The host's address and port that a container's port is published on."""

    host_ip: str
    host_port: int


@dataclasses.dataclass(frozen=True)
class Port:
    """One port of a container; `binding` is None where it is not published on the host."""

    number: int
    protocol: str
    binding: Binding | None = None


@dataclasses.dataclass(frozen=True)
class Container:
    """A running container, reduced to what its services are derived from.

    `networks` maps network names to the container's addresses there, IPv4 first; a container that
    joined another container's network has that container's. `health` is the state of its
    HEALTHCHECK (starting, healthy, unhealthy), empty without one.
    """

    id: str
    name: str
    image: str
    hostname: str
    network_mode: str
    env: tuple[str, ...] = ()
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    networks: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 10.0
    health: str = ""
    paused: bool = False

    @property
    def short_id(self) -> str:
        """The identifier's first twelve characters, as Docker's tools and our logs print it."""
        return self.id[:12]


@dataclasses.dataclass(frozen=True)
class Service:
    """A service to register; `check` and `weights` have the keys of Consul's API.

    `health` is passing or critical where the check is a TTL check that follows Docker's
    HEALTHCHECK: the loop updates the check `service:<id>` before the TTL expires. It is empty for
    every other check. With `enable_tag_override` others may change the tags in the catalog.
    """

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = dataclasses.field(default_factory=dict)
    check: Mapping[str, Any] | None = None
    container: str = ""
    weights: Mapping[str, int] | None = None
    enable_tag_override: bool = False
    health: str = ""


@dataclasses.dataclass(frozen=True)
class Registered:
    """A service as the agent reports it, reduced to what is compared."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...]
    meta: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Ignored:
    """A port for which no service is registered, and the reason for the log."""

    container: str
    reason: str
