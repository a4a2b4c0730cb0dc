"""The values everything speaks of: containers as Docker knows them, services as Consul does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Binding:
    """Where the host publishes a container's port."""

    host_ip: str
    host_port: int


@dataclasses.dataclass(frozen=True)
class Port:
    """One port of a container; `binding` is None where the host does not publish it."""

    number: int
    protocol: str
    binding: Binding | None = None


@dataclasses.dataclass(frozen=True)
class Container:
    """A running container, reduced to what makes services of it.

    `networks` maps network names to the container's addresses there, IPv4 first; a container that
    joined another one's network has that one's. `health` is Docker's word for its HEALTHCHECK
    (starting, healthy, unhealthy), empty without one.
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
        """The twelve characters that log lines carry."""
        return self.id[:12]


@dataclasses.dataclass(frozen=True)
class Service:
    """A service as it is registered with the agent; `check` holds Consul's own keys.

    `health` is passing or critical where the check is a TTL that Docker's HEALTHCHECK feeds, and
    empty where nobody has to feed it: the loop sends it to the check `service:<id>` before the
    TTL passes. `weights` are Consul's own keys too, None for its default. A service with
    `enable_tag_override` lets others change its tags in the catalog.
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
    """A service as the agent reports it, reduced to what a plan needs."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...]
    meta: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Ignored:
    """A port that becomes no service, and the reason a person can read."""

    container: str
    reason: str
