# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A stack as a table. No I/O."""

from __future__ import annotations

from .system import CONSUL, SERVICE, Agent, Container, Host, System

_HEAD = ("HOST", "CONTAINER", "STATUS", "PORTS", "IN CONSUL")


def table(system: System) -> list[str]:
    """The lines: the cluster, the containers of each host, registrations without a container."""
    rows = [_HEAD]
    for host in system.hosts:
        rows += [_row(system, host, each) for each in host.containers]
        rows += [
            (host.name, "-", "-", str(each.port), f"{each.service} {each.status}, {host.absent}")
            for each in system.strays(host)
        ]
        if host.problem or not host.containers:
            rows.append((host.name, "-", "?" if host.problem else "-", "", host.problem or "empty"))
    rows += [
        ("?", "-", "-", str(each.port), f"{each.service} {each.status} at {each.address}")
        for each in system.elsewhere()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    return [
        _cluster(system),
        *("  ".join([*map(str.ljust, row[:-1], widths), row[-1]]).rstrip() for row in rows),
    ]


def _cluster(system: System) -> str:
    """The leader, the number of agents, and those that are not alive."""
    if system.problem:
        return system.problem
    failed = [f"{each.node} is {each.status}" for each in system.agents if each.status != "alive"]
    servers = sum(each.role == "server" for each in system.agents)
    clients = len(system.agents) - servers
    return "; ".join(
        [
            f"leader {system.leader}" if system.leader else "no leader",
            f"{servers} server{'' if servers == 1 else 's'}",
            f"{clients} client{'' if clients == 1 else 's'}",
            *failed,
        ]
    )


def _row(system: System, host: Host, container: Container) -> tuple[str, str, str, str, str]:
    """One container."""
    return (
        host.name,
        container.name,
        f"{container.status} ({container.health})" if container.health else container.status,
        ", ".join(f"{outer}->{inner}" for outer, inner in container.ports),
        _consul_status(system, host, container),
    )


def _consul_status(system: System, host: Host, container: Container) -> str:
    """The state of a container in Consul: as an agent, or its registrations."""
    if container.kind == CONSUL:
        return agent_summary(system, system.agent(host))
    found = system.registrations(host, container)
    if found:
        return ", ".join(f"{each.service} {each.status}" for each in found)
    return "not registered" if container.kind == SERVICE and container.ports else ""


def agent_summary(system: System, agent: Agent | None) -> str:
    """The role and status of an agent as a phrase."""
    if agent is None:
        return "unknown to the cluster"
    leads = ", leader" if agent.node == system.leader and agent.status == "alive" else ""
    return f"{agent.role}{leads}" if agent.status == "alive" else f"{agent.role}, {agent.status}"
