# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Registrator as a container: typed options become its command line. No I/O."""

from __future__ import annotations

import posixpath
import typing as t

from .container import ContainerError, ContainerSpec

OWNER = "registrator"
OWNER_META = "registrator-owner"
# Inside the container. The folder is mounted, not the socket: a socket that Docker makes anew when
# it restarts is another file, and a mounted file would stay the old one.
_SOCKETS = "/run/docker-host"
_TOKEN_FILE = "/run/registrator-token"
_VALUES = {
    "ip": "-ip",
    "use_ip_from_label": "-useIpFromLabel",
    "tags": "-tags",
    "ttl": "-ttl",
    "ttl_refresh": "-ttl-refresh",
    "resync_seconds": "-resync",
    "deregister": "-deregister",
    "retry_attempts": "-retry-attempts",
    "retry_interval": "-retry-interval",
}
_SWITCHES = {"internal": "-internal", "explicit": "-explicit", "cleanup": "-cleanup"}


def effective_options(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The daemon's options that are set, by the names of the module."""
    names = [*_VALUES, *_SWITCHES, "registry_uri", "extra_args"]
    return {name: params[name] for name in names if params.get(name) not in (None, "", False)}


def command_line(params: t.Mapping[str, t.Any]) -> list[str]:
    """The daemon's arguments, in a stable order, the registry last."""
    flags = [
        f"{flag}={params[name]}"
        for name, flag in _VALUES.items()
        if params.get(name) not in (None, "")
    ]
    flags += [flag for name, flag in _SWITCHES.items() if params.get(name)]
    return [*flags, *params["extra_args"], params["registry_uri"]]


def specification(params: t.Mapping[str, t.Any]) -> ContainerSpec:
    """The container; ContainerError for a combination the daemon would refuse."""
    if not params["hostname"]:
        raise ContainerError("hostname is required: by this name Registrator knows its services")
    ttl, refresh = params.get("ttl") or 0, params.get("ttl_refresh") or 0
    if (ttl > 0) != (refresh > 0) or 0 < ttl <= refresh:
        raise ContainerError("ttl and ttl_refresh go together, and ttl must be the greater")
    folder, socket = posixpath.split(params["docker_socket"])
    env = {**params["env"], "DOCKER_HOST": f"unix://{_SOCKETS}/{socket}"}
    volumes = [f"{folder}:{_SOCKETS}"]
    if params["token_file"]:
        env["CONSUL_HTTP_TOKEN_FILE"] = _TOKEN_FILE
        volumes.append(f"{params['token_file']}:{_TOKEN_FILE}:ro")
    return ContainerSpec.from_params(
        {
            "name": params["name"],
            "image": params["image"],
            "pull": params["pull"],
            "hostname": params["hostname"],
            "network_mode": params["network_mode"],
            "memory": params["memory"],
            "volumes": volumes,
            "env": env,
            "command": command_line(params),
        }
    )


def agent_url(registry_uri: str) -> str | None:
    """The agent behind a registry URI, None where it is no Consul over TCP."""
    scheme, separator, rest = registry_uri.partition("://")
    schemes = {"consul": "http", "consul-tls": "https"}
    if not separator or scheme not in schemes:
        return None
    return f"{schemes[scheme]}://{rest.split('/')[0] or '127.0.0.1:8500'}"


def registered(
    services: t.Mapping[str, t.Mapping[str, t.Any]], hostname: str
) -> list[dict[str, t.Any]]:
    """The services of an agent that this Registrator made, sorted by identifier.

    By its mark in their metadata, or by the identifier that upstream's Registrator gives.
    """
    return [
        {
            "id": identifier,
            "name": entry["Service"],
            "address": entry["Address"],
            "port": entry["Port"],
            "tags": list(entry.get("Tags") or ()),
        }
        for identifier, entry in sorted(services.items())
        if (entry.get("Meta") or {}).get(OWNER_META) == hostname
        or identifier.startswith(f"{hostname}:")
    ]
