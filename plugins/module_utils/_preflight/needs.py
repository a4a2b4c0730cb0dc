# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The requirements of the roles on a host: ports, addresses, images, an engine. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

Lookup = t.Callable[[str], t.Any]

# Consul's own: RPC, LAN and WAN gossip.
_SERVER_PORTS = ("8300/tcp", "8301/tcp", "8301/udp", "8302/tcp", "8302/udp")
_AGENTS = ("consul_server", "consul_client")
_CLIENT_PORTS = ("8301/tcp", "8301/udp")


@dataclasses.dataclass(frozen=True)
class Needs:
    """What one role needs: ports such as 8500/tcp, addresses of the host, images to run.

    The fields are the module `preflight`'s options of the same names.
    """

    role: str
    ports: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    image: str | None = None
    pull: str = "missing"
    may_install: bool = True
    open_agent: bool = False


def needs_of(role: str, value: Lookup) -> Needs:
    """The needs of a role whose variables `value` looks up."""
    if role == "docker_host":
        return Needs(role, may_install=bool(value("docker_host_install")))
    if value(f"{role}_state") == "absent":
        return Needs(role)
    if role == "helloworld" and int(value("helloworld_count")) == 0:
        return Needs(role)
    return Needs(
        role,
        ports=_ports(role, value),
        addresses=(str(value(f"{role}_advertise")),) if role in _AGENTS else (),
        image=str(value(f"{role}_image")),
        pull=str(value(f"{role}_pull")),
        open_agent=role in _AGENTS and value(f"{role}_profile") == "open",
    )


def port_conflicts(needs: t.Sequence[Needs]) -> list[str]:
    """Ports that two roles of one host use."""
    wanted: dict[str, list[str]] = {}
    for need in needs:
        for port in need.ports:
            wanted.setdefault(port, []).append(need.role)
    return [
        f"port {port} is used by {' and '.join(roles)}: change the port of one of them"
        for port, roles in wanted.items()
        if len(roles) > 1
    ]


def registry_endpoint(reference: str) -> tuple[str, int]:
    """Host and port of the registry that an image reference names, Docker Hub's without one."""
    first, separator, _path = reference.partition("/")
    if not separator or not (first == "localhost" or "." in first or ":" in first):
        return "registry-1.docker.io", 443
    host, _colon, port = first.partition(":")
    return host, int(port) if port.isdigit() else 443


def _balancer_ports(value: Lookup) -> tuple[str, ...]:
    """The public ports, and the balancer's own ones that are in use."""
    ports = [value("nginx_lb_port")]
    if value("nginx_lb_certificates"):
        ports.append(value("nginx_lb_tls_port"))
    if int(value("nginx_lb_status_port") or 0):
        ports.append(value("nginx_lb_status_port"))
    return tuple(f"{port}/tcp" for port in ports)


def _registrator_ports(value: Lookup) -> tuple[str, ...]:
    """The status port, if it is one of the host."""
    listen = str(value("registrator_http") or "")
    if not listen or value("registrator_network_mode") != "host":
        return ()
    return (f"{listen.rpartition(':')[2]}/tcp",)


def _ports(role: str, value: Lookup) -> tuple[str, ...]:
    """The role's ports on the host; an agent's in the order its documentation lists them."""
    if role == "nginx_lb":
        return _balancer_ports(value)
    if role == "registrator":
        return _registrator_ports(value)
    if role not in _AGENTS:
        return ()
    fixed = _SERVER_PORTS if role == "consul_server" else _CLIENT_PORTS
    http, dns = value(f"{role}_http_port"), value(f"{role}_dns_port")
    ports = (*fixed, f"{http}/tcp", f"{dns}/tcp", f"{dns}/udp")
    if role == "consul_server" and value("consul_server_dns_port_53"):
        ports += ("53/tcp", "53/udp")
    if value(f"{role}_profile") == "secure":
        ports += (f"{value(f'{role}_https_port')}/tcp",)
    return ports
