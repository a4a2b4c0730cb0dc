# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The stack that an inventory asks for, before anything runs. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .system import (
    BALANCER,
    CONSUL,
    REGISTRATOR,
    SERVICE,
    Agent,
    Container,
    Host,
    Registration,
    System,
)

FOLLOWED = "my-web-server"
# The service of each kind of container that Registrator registers.
_SERVICES = {BALANCER: "nginx-lb", SERVICE: FOLLOWED}
# Docker chooses ports from here on; a plan counts up.
_FIRST_PORT = 32768


@dataclasses.dataclass(frozen=True)
class StackPlan:
    """The groups of an inventory by their names, and each host's address."""

    addresses: t.Mapping[str, str]
    groups: t.Mapping[str, t.Sequence[str]]
    web_containers: int = 1
    balancer_port: int = 80
    stopped_servers: tuple[str, ...] = ()

    def _in(self, host: str, group: str) -> bool:
        return host in self.groups.get(group, ())

    def containers(self, host: str) -> tuple[Container, ...]:
        """What shall run on a host."""
        found = []
        if self._in(host, "load_balancers"):
            ports = ((self.balancer_port, self.balancer_port),)
            found.append(Container("nginx-lb", BALANCER, "rollcall/nginx-lb", ports=ports))
        if self._in(host, "web_servers"):
            found += [
                Container(
                    f"helloworld-{number + 1}",
                    SERVICE,
                    "rollcall/helloworld",
                    ports=((_FIRST_PORT + number, 80),),
                )
                for number in range(self.web_containers)
            ]
        if self._in(host, "registrator_hosts"):
            found.append(Container("registrator", REGISTRATOR, "rollcall/registrator"))
        for role in ("server", "client"):
            if self._in(host, f"consul_{role}s"):
                status = "exited" if host in self.stopped_servers else "running"
                found.append(Container(f"consul-{role}", CONSUL, "hashicorp/consul", status))
        return tuple(found)

    def agents(self) -> tuple[Agent, ...]:
        """The members of the cluster."""
        return tuple(
            Agent(
                host,
                self.addresses[host],
                role,
                "failed" if host in self.stopped_servers else "alive",
            )
            for role in ("server", "client")
            for host in self.groups.get(f"consul_{role}s", ())
        )


def planned(plan: StackPlan) -> System:
    """The stack as it will be: all that runs is registered and passes, the first server leads."""
    hosts = tuple(
        Host(name, plan.addresses[name], plan.containers(name)) for name in plan.addresses
    )
    agents = plan.agents()
    leading = [each.node for each in agents if (each.role, each.status) == ("server", "alive")]
    nodes = {each.node for each in agents}
    return System(
        hosts=hosts,
        agents=agents,
        instances=tuple(
            Registration(
                service,
                f"registrator-{host.name}:{each.name}:{each.ports[0][1]}",
                host.name if host.name in nodes else leading[0],
                host.address,
                each.ports[0][0],
                # With its agent a node has failed, and every check of it.
                "critical" if host.name in plan.stopped_servers else "passing",
            )
            for host in hosts
            for kind, service in _SERVICES.items()
            for each in host.of(kind)
        ),
        leader=leading[0] if leading else "",
        followed=(FOLLOWED,),
    )
