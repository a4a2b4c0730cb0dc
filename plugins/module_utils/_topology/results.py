# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads the results of the module stack_info on all hosts. No I/O."""

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

_OWNERS = {
    "consul_server": CONSUL,
    "consul_client": CONSUL,
    "registrator": REGISTRATOR,
}
_IMAGES = {"consul": CONSUL, "registrator": REGISTRATOR}


def system_of(results: t.Mapping[str, t.Mapping[str, t.Any]], followed: t.Sequence[str]) -> System:
    """Join the results of all hosts, by host name; each has an additional `address`.

    The cluster state is that of the first agent that knows a leader, else that of the first agent.
    Without `followed` every service counts as load-balanced, but for Consul's own and those of the
    balancers and Registrators.
    """
    states = [found["consul"] for found in results.values() if found.get("consul")]
    state: t.Mapping[str, t.Any] = next(
        (each for each in states if each["leader"]), states[0] if states else {}
    )
    # Consul registers its own servers, which are already among the members.
    found = [each for each in state.get("instances", ()) if each["service"] != "consul"]
    instances = tuple(_instance(each) for each in found)
    system = System(
        hosts=tuple(_host(name, result) for name, result in results.items()),
        agents=tuple(
            Agent(each["name"], each["address"], each["role"], each["status"])
            for each in state.get("members", ())
        ),
        instances=instances,
        leader=state.get("leader_node", ""),
        followed=tuple(followed),
        problem="" if states else "no Consul agent answered",
    )
    return system if followed else dataclasses.replace(system, followed=_web_services(system))


def _web_services(system: System) -> tuple[str, ...]:
    """The registered services that are not parts of the stack itself."""
    parts = {
        each.service
        for host in system.hosts
        for container in (*host.of(BALANCER), *host.of(REGISTRATOR))
        for each in system.registrations(host, container)
    }
    return tuple(sorted({each.service for each in system.instances} - parts))


def _host(name: str, found: t.Mapping[str, t.Any]) -> Host:
    """One host, also if nothing could be read there."""
    problems = [*found.get("problems", ())]
    if found.get("unreachable") or found.get("failed"):
        problems.append(str(found.get("msg") or "nothing is known"))
    return Host(
        name=name,
        address=str(found.get("address") or name),
        containers=tuple(_container(each) for each in found.get("containers", ())),
        problem="; ".join(" ".join(each.split()) for each in problems),
    )


def _container(found: t.Mapping[str, t.Any]) -> Container:
    """One container; its kind is derived from its owner, else from its image."""
    image = str(found["image"])
    base = image.rpartition("/")[2].partition(":")[0]
    owner = str(found.get("owner") or "")
    kind = _OWNERS.get(owner) or (BALANCER if owner.endswith("_lb") else "")
    return Container(
        name=str(found["name"]),
        kind=kind or (SERVICE if owner else _IMAGES.get(base, SERVICE)),
        image=image,
        status=str(found["status"]),
        health=str(found.get("health") or ""),
        addresses=tuple(found.get("addresses", ())),
        ports=tuple((int(each["host"]), int(each["container"])) for each in found["ports"]),
    )


def _instance(found: t.Mapping[str, t.Any]) -> Registration:
    """One registration."""
    return Registration(
        service=str(found["service"]),
        id=str(found["id"]),
        node=str(found["node"]),
        address=str(found["address"]),
        port=int(found["port"]),
        status=str(found["status"]),
        tags=tuple(found.get("tags", ())),
    )
