# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Registrator as a container: typed options become its command line. No I/O."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .container import ContainerError, ContainerSpec

OWNER = "registrator"
OWNER_META = "registrator-owner"
# Inside the container. The folder is mounted, not the socket: a socket that Docker makes anew when
# it restarts is another file, and a mounted file would stay the old one.
_SOCKETS = "/run/docker-host"
# Where gliderlabs/registrator looks without DOCKER_HOST.
_SOCKET_FILE = "/tmp/docker.sock"
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
# Least values, where the daemon would end at once or count nonsense.
_LEAST = {
    "ttl": 0,
    "ttl_refresh": 0,
    "resync_seconds": 0,
    "retry_attempts": -1,
    "retry_interval": 1,
}
_SCHEMES = {"consul": "http", "consul-tls": "https"}


def effective_options(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The daemon's options that are set, by the names of the module. A zero is set."""
    names = [*_VALUES, *_SWITCHES, "registry_uri", "extra_args"]
    values = {name: params.get(name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if value is not None and value is not False and value != ""
    }


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
    _check(params)
    volumes, env = _engine(params)
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
            "env": {**env, **params["env"]},
            "command": command_line(params),
        }
    )


def outcome(name: str, results: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """What the module returns as `container`; one that is absent, as wanted, is unchanged."""
    empty: dict[str, t.Any] = {
        "name": name,
        "image": None,
        "action": "unchanged",
        "reasons": [],
        "id": None,
    }
    found = results[0] if results else {}
    return {key: found.get(key, default) for key, default in empty.items()}


def agent_url(registry_uri: str, env: t.Mapping[str, t.Any] | None = None) -> str | None:
    """The agent behind a registry URI, None where it is no Consul over TCP.

    Without an address in the URI it stands in `env`, the daemon's environment, or is this host's.
    """
    scheme, _colon, rest = registry_uri.partition(":")
    if scheme not in _SCHEMES:
        return None
    default = str((env or {}).get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500").rpartition("://")[2]
    address = rest.removeprefix("//").partition("/")[0] or default
    return f"{_SCHEMES[scheme]}://{address}"


def registered(services: t.Any, hostname: str) -> list[dict[str, t.Any]]:
    """The services of an agent that this Registrator made, sorted by identifier.

    By its mark in their metadata, or by the identifier that upstream's Registrator gives.
    `services` is what the agent says of its services, by identifier.
    """
    if not isinstance(services, dict):
        return []
    return [
        {
            "id": identifier,
            "name": entry["Service"],
            "address": entry.get("Address") or "",
            "port": entry.get("Port") or 0,
            "tags": list(entry.get("Tags") or ()),
        }
        for identifier, entry in sorted(services.items())
        if (entry.get("Meta") or {}).get(OWNER_META) == hostname
        or identifier.startswith(f"{hostname}:")
    ]


def _check(params: t.Mapping[str, t.Any]) -> None:
    """ContainerError for values the daemon would end at, or that Docker would take amiss."""
    if not params["hostname"]:
        raise ContainerError("hostname is required: by this name Registrator knows its services")
    if not re.fullmatch(r"[a-z][a-z0-9-]*:(//\S*)?", params["registry_uri"]):
        raise ContainerError(
            f"registry_uri {params['registry_uri']!r} is no URI such as consul://127.0.0.1:8500"
        )
    for name, least in _LEAST.items():
        value = params.get(name)
        if value is not None and value < least:
            raise ContainerError(f"{name} is {value}, and must be at least {least}")
    ttl, refresh = params.get("ttl") or 0, params.get("ttl_refresh") or 0
    if (ttl > 0) != (refresh > 0) or 0 < ttl <= refresh:
        raise ContainerError("ttl and ttl_refresh go together, and ttl must be the greater")
    if params["memory"] and not re.fullmatch(r"\d+[bkmg]?", params["memory"].lower()):
        raise ContainerError(f"memory {params['memory']!r} is no amount such as 64m")
    for name in ("docker_socket", "token_file"):
        path = params[name] or "/"
        if not path.startswith("/") or ":" in path:
            raise ContainerError(f"{name} {path!r} is no absolute path on the host, without ':'")


def _engine(params: t.Mapping[str, t.Any]) -> tuple[list[str], dict[str, t.Any]]:
    """How the daemon reaches the engine: volumes and environment."""
    if params.get("socket_mount") == "file":
        return [f"{params['docker_socket']}:{_SOCKET_FILE}"], {}
    folder, socket = posixpath.split(params["docker_socket"])
    if folder == "/" or not socket:
        raise ContainerError(
            f"docker_socket {params['docker_socket']!r} has no folder of its own to mount: name "
            "a socket in one, or set socket_mount to 'file'"
        )
    return [f"{folder}:{_SOCKETS}"], {"DOCKER_HOST": f"unix://{_SOCKETS}/{socket}"}
