# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A stack as values: hosts with their containers, and their registrations in Consul. No I/O."""

from __future__ import annotations

import dataclasses

BALANCER, SERVICE, REGISTRATOR, CONSUL = "balancer", "service", "registrator", "consul"


@dataclasses.dataclass(frozen=True)
class Container:
    """One container: `kind` is its part in the stack, `ports` pairs of host and container port."""

    name: str
    kind: str
    image: str = ""
    status: str = "running"
    health: str = ""
    addresses: tuple[str, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()

    @property
    def well(self) -> bool:
        """Whether it is running, and its health check, if any, does not fail."""
        return self.status == "running" and self.health in ("", "healthy", "starting")


@dataclasses.dataclass(frozen=True)
class Registration:
    """One registration; `status` is the worst of its checks: passing, warning or critical."""

    service: str
    id: str
    node: str
    address: str
    port: int
    status: str = "passing"
    tags: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Address and port."""
        return f"{self.address}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Agent:
    """One Consul agent in the gossip pool."""

    node: str
    address: str
    role: str = "server"
    status: str = "alive"


@dataclasses.dataclass(frozen=True)
class Host:
    """One machine; `problem` is why some data is missing, empty if none is."""

    name: str
    address: str
    containers: tuple[Container, ...] = ()
    problem: str = ""

    @property
    def absent(self) -> str:
        """The phrase for the container of a registration without one."""
        return "not seen" if self.problem else "no container"

    def of(self, kind: str) -> tuple[Container, ...]:
        """Its containers of one kind."""
        return tuple(each for each in self.containers if each.kind == kind)


@dataclasses.dataclass(frozen=True)
class System:
    """The whole stack; `leader` is a node name, `followed` are the load-balanced services."""

    hosts: tuple[Host, ...] = ()
    agents: tuple[Agent, ...] = ()
    instances: tuple[Registration, ...] = ()
    leader: str = ""
    followed: tuple[str, ...] = ()
    problem: str = ""

    def agent(self, host: Host) -> Agent | None:
        """The agent at a host's address."""
        return next((each for each in self.agents if each.address == host.address), None)

    def registrations(self, host: Host, container: Container) -> tuple[Registration, ...]:
        """The registrations of a container: at the ports of the host, or at its own."""
        places = {(host.address, outer) for outer, _inner in container.ports}
        places |= {(own, inner) for own in container.addresses for _outer, inner in container.ports}
        return tuple(each for each in self.instances if (each.address, each.port) in places)

    def strays(self, host: Host) -> tuple[Registration, ...]:
        """The registrations at the address of a host without a container there."""
        answered = {each for own in host.containers for each in self.registrations(host, own)}
        return tuple(
            each
            for each in self.instances
            if each.address == host.address and each.port and each not in answered
        )

    def upstream(self, instance: Registration) -> bool:
        """Whether a load balancer sends requests there."""
        return instance.service in self.followed and instance.status == "passing"

    def elsewhere(self) -> tuple[Registration, ...]:
        """The registrations at an address that belongs to no host and no container."""
        placed = {each.address for each in self.hosts} | {
            own for host in self.hosts for each in host.containers for own in each.addresses
        }
        return tuple(each for each in self.instances if each.port and each.address not in placed)
