# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The container of Registrator: typed options become its command line. No I/O."""

from __future__ import annotations

import dataclasses
import posixpath
import re
import typing as t

from .container import ContainerError, ContainerSpec

OWNER = "registrator"
OWNER_META = "registrator-owner"
# Inside the container. The folder is mounted, not the socket: Docker recreates the socket when it
# restarts, and a mounted file would remain the old one.
_SOCKETS = "/run/docker-host"
# The default of gliderlabs/registrator without DOCKER_HOST.
_SOCKET_FILE = "/tmp/docker.sock"
# Files of the host by option: the path inside the container, and its environment variable.
FILES = {
    "token_file": ("/run/registrator-token", "CONSUL_HTTP_TOKEN_FILE"),
    "ca_file": ("/run/registrator-ca.pem", "CONSUL_CACERT"),
}
# Limits of the container, as in container_set.
_LIMITS = ("memory", "pids_limit", "user", "read_only", "cap_drop", "security_opt")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_NETWORK = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:.]*)\]|([^\[\]:/\s]*)):([0-9]{1,5})")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_EVERY_ADDRESS = ("", "0.0.0.0", "::")
# Minimums, below which the daemon would exit at once.
_LEAST = {
    "ttl": 0,
    "ttl_refresh": 0,
    "resync_seconds": 0,
    "retry_attempts": -1,
    "retry_interval": 1,
}
_SCHEMES = {"consul": "http", "consul-tls": "https"}


@dataclasses.dataclass(frozen=True)
class Flag:
    """A flag of the daemon, with the argument specification of the option that sets it.

    At its default it is omitted from the command line, for an image that does not know it. `always`
    includes it: gliderlabs/registrator has a different default.
    """

    name: str
    argument: t.Mapping[str, t.Any]
    always: bool = False


_TEXT: dict[str, t.Any] = {"type": "str"}
_SWITCH: dict[str, t.Any] = {"type": "bool", "default": False}


def _number(default: int) -> dict[str, t.Any]:
    return {"type": "int", "default": default}


def _one_of(*choices: str, default: str) -> dict[str, t.Any]:
    return {"type": "str", "choices": list(choices), "default": default}


# Without -dry-run: it exits by itself, and Docker would restart the container.
FLAGS: dict[str, Flag] = {
    "ip": Flag("ip", _TEXT),
    "use_ip_from_label": Flag("useIpFromLabel", _TEXT),
    "network": Flag("network", _TEXT),
    "tags": Flag("tags", _TEXT),
    "ttl": Flag("ttl", _number(0)),
    "ttl_refresh": Flag("ttl-refresh", _number(0)),
    "resync_seconds": Flag("resync", _number(10), always=True),
    "deregister": Flag("deregister", _one_of("always", "on-success", default="always")),
    "retry_attempts": Flag("retry-attempts", _number(-1), always=True),
    "retry_interval": Flag("retry-interval", _number(2000)),
    "restore": Flag(
        "restore",
        {
            "type": "list",
            "elements": "str",
            "choices": ["container-ip", "tag-order"],
            "default": [],
        },
    ),
    "log_level": Flag("log-level", _one_of("debug", "info", "warning", "error", default="info")),
    "log_format": Flag("log-format", _one_of("text", "json", default="text")),
    "http": Flag("http", _TEXT),
    "internal": Flag("internal", _SWITCH),
    "explicit": Flag("explicit", _SWITCH),
    "docker_health": Flag("docker-health", _SWITCH),
    "script_checks": Flag("script-checks", _SWITCH),
    "deregister_on_exit": Flag("deregister-on-exit", _SWITCH),
    "cleanup": Flag("cleanup", {"type": "bool", "default": True}, always=True),
}


def effective_options(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options on the command line, by the names of the module's options."""
    more = {name: params[name] for name in ("registry_uri", "extra_args") if params[name]}
    return {**_given_flags(params), **more}


def command_line(params: t.Mapping[str, t.Any]) -> list[str]:
    """The daemon's arguments, in a stable order, the registry last."""
    flags = [_argument(FLAGS[option].name, value) for option, value in _given_flags(params).items()]
    return [*flags, *params["extra_args"], params["registry_uri"]]


def specification(params: t.Mapping[str, t.Any]) -> ContainerSpec:
    """The container; ContainerError for a combination that the daemon would reject."""
    _check(params)
    volumes, env = _engine(params)
    for option, (inside, variable) in FILES.items():
        if params[option]:
            env[variable] = inside
            volumes.append(f"{params[option]}:{inside}:ro")
    return ContainerSpec.from_params(
        {
            "name": params["name"],
            "image": params["image"],
            "pull": params["pull"],
            "hostname": params["hostname"],
            "network_mode": params["network_mode"],
            **{name: params.get(name) for name in _LIMITS},
            "volumes": volumes,
            "env": {**env, **params["env"]},
            **_own_service(params),
            "command": command_line(params),
        }
    )


def outcome(name: str, results: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """The return value `container`; an absent one that was to be absent is unchanged."""
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
    """The URL of the agent of a registry URI, None unless it is Consul over TCP.

    Without an address in the URI it is that of `env`, the daemon's environment, or of this host.
    """
    scheme, _colon, rest = registry_uri.partition(":")
    if scheme not in _SCHEMES:
        return None
    default = str((env or {}).get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500").rpartition("://")[2]
    address = rest.removeprefix("//").partition("/")[0] or default
    return f"{_SCHEMES[scheme]}://{address}"


def registered(services: t.Any, hostname: str) -> list[dict[str, t.Any]]:
    """The services of an agent that this Registrator registered, sorted by identifier.

    Identified by their metadata, or by the identifiers of gliderlabs/registrator. `services` is the
    answer of /v1/agent/services.
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


def _own_service(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options by which the daemon finds and registers itself; none if nobody could ask it.

    Consul asks at the registered address. A daemon that listens elsewhere only, such as at
    loopback, would never pass its check.
    """
    name, listen = params.get("service_name"), _LISTEN.fullmatch(params.get("http") or "")
    reachable = params["network_mode"] == "host" or params.get("internal")
    if not name or not reachable or listen is None:
        return {}
    address, port = listen[1] or listen[2] or "", int(listen[3])
    if address not in (*_EVERY_ADDRESS, params.get("ip")):
        return {}
    keys = {"NAME": name, "CHECK_HTTP": "/healthz", "PROGRAM": "registrator"}
    return {
        "exposed_ports": [str(port)],
        "labels": {f"SERVICE_{port}_{key}": value for key, value in keys.items()},
    }


def _given_flags(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options on the command line: those that are set and differ from their default."""
    values = {option: params.get(option) for option in FLAGS}
    return {
        option: value
        for option, value in values.items()
        if value is not None
        and value is not False
        and value not in ("", [])
        and (FLAGS[option].always or value != FLAGS[option].argument.get("default"))
    }


def _argument(flag: str, value: t.Any) -> str:
    """A flag with its value in Go's syntax; a boolean flag has no value."""
    if value is True:
        return f"-{flag}"
    return f"-{flag}={','.join(value) if isinstance(value, list) else value}"


def _check(params: t.Mapping[str, t.Any]) -> None:
    """ContainerError for values that the daemon or Docker would reject."""
    if not params["hostname"]:
        raise ContainerError("hostname is required: Registrator identifies its services by it")
    if not re.fullmatch(r"[a-z][a-z0-9-]*:(//\S*)?", params["registry_uri"]):
        raise ContainerError(
            f"registry_uri {params['registry_uri']!r} is not a URI such as consul://127.0.0.1:8500"
        )
    for name, least in _LEAST.items():
        value = params.get(name)
        if value is not None and value < least:
            raise ContainerError(f"{name} is {value}, and must be at least {least}")
    ttl, refresh = params.get("ttl") or 0, params.get("ttl_refresh") or 0
    if (ttl > 0) != (refresh > 0) or 0 < ttl <= refresh:
        raise ContainerError(
            "ttl and ttl_refresh must be set together, and ttl must be greater than ttl_refresh"
        )
    _check_addresses(params)
    _check_volume(params)
    if params["memory"] and not re.fullmatch(r"\d+[bkmg]?", params["memory"].lower()):
        raise ContainerError(f"memory {params['memory']!r} is not a size such as 64m")
    for name in ("docker_socket", *FILES):
        path = params[name] or "/"
        if not path.startswith("/") or ":" in path:
            raise ContainerError(f"{name} {path!r} is not an absolute path on the host without ':'")


def _check_volume(params: t.Mapping[str, t.Any]) -> None:
    """ContainerError for an invalid volume, or for one that cannot be mounted as requested."""
    volume = params.get("socket_volume")
    if not volume:
        return
    if not _VOLUME.fullmatch(volume):
        raise ContainerError(f"socket_volume {volume!r} is not the name of a Docker volume")
    if params.get("socket_mount") == "file":
        raise ContainerError("socket_volume requires socket_mount 'directory'")


def _check_addresses(params: t.Mapping[str, t.Any]) -> None:
    """ContainerError for an invalid address, network, listen address or service name."""
    ip, network, http = (params.get(name) or "" for name in ("ip", "network", "http"))
    service = params.get("service_name") or ""
    if service and not _SERVICE.fullmatch(service):
        raise ContainerError(
            f"service_name {service!r} is not a service name of letters, digits, _ and -"
        )
    if re.search(r"[\s/]", ip):
        raise ContainerError(f"ip {ip!r} is not a single address")
    if network and not _NETWORK.fullmatch(network):
        raise ContainerError(f"network {network!r} is not the name of a Docker network")
    listen = _LISTEN.fullmatch(http)
    if http and (listen is None or int(listen[3]) > 65535):
        raise ContainerError(f"http {http!r} is not host:port or :port")


def _engine(params: t.Mapping[str, t.Any]) -> tuple[list[str], dict[str, t.Any]]:
    """How the daemon reaches the engine: volumes and environment."""
    if params.get("socket_mount") == "file":
        return [f"{params['docker_socket']}:{_SOCKET_FILE}"], {}
    folder, socket = posixpath.split(params["docker_socket"])
    volume = params.get("socket_volume")
    if volume and socket:
        # Read-only: a daemon with write access could replace the socket.
        return [f"{volume}:{_SOCKETS}:ro"], {"DOCKER_HOST": f"unix://{_SOCKETS}/{socket}"}
    if folder == "/" or not socket:
        raise ContainerError(
            f"docker_socket {params['docker_socket']!r} has no parent folder to mount: use a "
            "socket in a folder, or set socket_mount to 'file'"
        )
    return [f"{folder}:{_SOCKETS}"], {"DOCKER_HOST": f"unix://{_SOCKETS}/{socket}"}
