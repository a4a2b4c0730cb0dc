# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Validation of an inventory: names, numbers of hosts, variables. No I/O."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

# Variables that must be unique for each host; they identify agents and owners.
UNIQUE = {
    "node name": ("consul_server_node_name", "consul_client_node_name"),
    "advertise address": ("consul_server_advertise", "consul_client_advertise"),
    "Registrator host name": ("registrator_hostname",),
    "Registrator address": ("registrator_ip",),
}

# The variable of each role with the name of the service that Registrator registers for it.
SERVICES = {
    "helloworld": "helloworld_service_name",
    "nginx_lb": "nginx_lb_service_name",
    "haproxy_lb": "haproxy_lb_service_name",
    "registrator": "registrator_service_name",
}
# The variables that decide whether a role registers a service at all.
DECIDING = ("nginx_lb_state", "haproxy_lb_state", "registrator_state", "registrator_http")
BALANCERS = ("nginx_lb", "haproxy_lb")

_PLAIN = re.compile(r"consul://(\[[^\]]+\]|[^/:]+)")
_OWN = ("127.0.0.1", "[::1]", "localhost")


@dataclasses.dataclass(frozen=True)
class HostView:
    """One host of the inventory: its roles, the variables set for it, and how it is reached."""

    name: str
    roles: frozenset[str]
    variables: t.Mapping[str, t.Any]

    @property
    def endpoint(self) -> str:
        """Address and port that Ansible connects to: two hosts of one endpoint are one machine."""
        address = self.variables.get("ansible_host") or self.name
        port = self.variables.get("ansible_port")
        return f"{address}:{port}" if port else str(address)


def conflicts(hosts: t.Sequence[HostView]) -> list[str]:
    """Values that several hosts share although they must be unique."""
    claims: dict[tuple[str, str], list[str]] = {}
    for host in hosts:
        claims.setdefault(("address", host.endpoint), []).append(host.name)
        for what, names in UNIQUE.items():
            for value in sorted(_values(host, names)):
                claims.setdefault((what, value), []).append(host.name)
    return [
        f"{what} {value} is used by {' and '.join(names)}: it must be unique for each host"
        for (what, value), names in claims.items()
        if len(names) > 1
    ]


def service_conflicts(hosts: t.Sequence[HostView], defaults: t.Mapping[str, t.Any]) -> list[str]:
    """Services that several roles register: a client of one would also reach the other.

    `defaults` are those of the variables in SERVICES.
    """
    claims: dict[str, set[str]] = {}
    for host in hosts:
        for role in host.roles & SERVICES.keys():
            name = str(host.variables.get(SERVICES[role], defaults.get(SERVICES[role])) or "")
            if name and _registers(host, role):
                claims.setdefault(name.lower(), set()).add(role)
    return [
        f"service {name} is registered by {' and '.join(sorted(roles))}: change "
        f"{' or '.join(SERVICES[role] for role in sorted(roles))}"
        for name, roles in sorted(claims.items())
        if len(roles) > 1
    ]


def balancer_problem(role: str, value: t.Callable[[str], t.Any]) -> list[str]:
    """Why a balancer would send requests to itself."""
    if value(f"{role}_state") == "absent":
        return []
    own = str(value(SERVICES[role]) or "")
    services = [each["name"] for each in value(f"{role}_services") or ()]
    if not services and not value(f"{role}_discover"):
        services = [value(f"{role}_service")]
    if own.lower() not in [str(name).lower() for name in services]:
        return []
    return [
        f"{SERVICES[role]} {own} is also a service to balance: the balancer would send requests to "
        "itself. It is the name of the balancer's own service; use another one"
    ]


def count_problem(servers: int) -> list[str]:
    """Why a cluster cannot form with this number of servers."""
    if servers:
        return []
    return ["no host is a Consul server: add one, three or five hosts to the group of the servers"]


def bootstrap_problem(servers: int, bootstrap_expect: int) -> list[str]:
    """Why a cluster that expects more servers than there are never elects a leader."""
    if bootstrap_expect <= servers:
        return []
    return [
        f"bootstrap_expect is {bootstrap_expect}, but the inventory has {servers} Consul servers: "
        "the cluster would never elect a leader; lower it or add servers"
    ]


def server_warning(servers: int) -> str | None:
    """A warning about an even number of servers, which tolerates no more failures than one less."""
    if servers == 0 or servers % 2:
        return None
    tolerated = (servers - 1) // 2
    loss = "no server" if tolerated == 0 else f"{tolerated} of them"
    return (
        f"{servers} Consul servers: the cluster tolerates the loss of {loss}, the same as with "
        f"{servers - 1}; use {servers - 1} or {servers + 1}"
    )


def registry_problem(profile: str, registry_uri: str) -> list[str]:
    """Why a Registrator could not reach the agent of another host in a secure cluster."""
    plain = _PLAIN.match(registry_uri)
    if profile != "secure" or plain is None or plain[1] in _OWN:
        return []
    return [
        f"registrator_registry_uri is {registry_uri}: an agent of a secure cluster answers other "
        f"hosts only over TLS; use consul-tls://{plain[1]}:8501, or its consul_server_https_port"
    ]


def unknown_variables(
    names: t.Iterable[str], known: t.Mapping[str, t.Collection[str]]
) -> list[str]:
    """Variables with the prefix of a role that no role has, with the most similar one.

    `known` maps each role to its variables.
    """
    every = {name for variables in known.values() for name in variables}
    found = []
    for name in sorted(names):
        if name not in every and any(name.startswith(f"{role}_") for role in known):
            nearest = difflib.get_close_matches(name, every, n=1, cutoff=0.6)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            found.append(f"variable {name} is unknown to every role{hint}")
    return found


def _registers(host: HostView, role: str) -> bool:
    """Whether the role registers a service on this host."""
    if host.variables.get(f"{role}_state") == "absent":
        return False
    return role != "registrator" or bool(host.variables.get("registrator_http"))


def _values(host: HostView, names: t.Sequence[str]) -> set[str]:
    """The host's values of variables that belong to one of its roles, without case."""
    return {
        str(host.variables[name]).lower()
        for name in names
        if name in host.variables and any(name.startswith(f"{role}_") for role in host.roles)
    }
