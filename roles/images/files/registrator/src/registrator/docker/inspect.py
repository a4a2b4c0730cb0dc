"""Converts the output of `docker inspect` to a container. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..domain.model import Binding, Container, Port

_NUMBER = re.compile(r"[0-9]{1,5}")
_HIGHEST_PORT = 65535


def container_from(
    found: Mapping[str, Any], joined: Mapping[str, Any] | None = None
) -> Container | None:
    """The container of Docker's answer; None where it is not running.

    `joined` is the answer for the container whose network this one uses (`container:X`), None
    where that one is gone. Works for every API since 1.24: addresses are read from the networks,
    not from the top level, which API 1.52 no longer has.
    """
    state = part(found, "State")
    if not state.get("Running") or state.get("Restarting"):
        return None
    config = part(found, "Config")
    mode = _mode(found) or "default"
    if joined_container(found) and _mode(joined or {}) == "host":
        mode = "host"
    settings = part(joined or {} if mode.startswith("container:") else found, "NetworkSettings")
    networks = {name: _addresses(net) for name, net in part(settings, "Networks").items()}
    return Container(
        id=text(found.get("Id")),
        name=text(found.get("Name")).lstrip("/"),
        image=text(config.get("Image")),
        hostname=text(config.get("Hostname")),
        network_mode=mode,
        env=_strings(config.get("Env")),
        labels={key: text(value) for key, value in part(config, "Labels").items()},
        ports=_ports(part(config, "ExposedPorts"), part(settings, "Ports"), mode, networks),
        networks=networks,
        stop_signal=text(config.get("StopSignal")) or "SIGTERM",
        stop_timeout=_seconds(config.get("StopTimeout")),
        health=_health(state),
        paused=bool(state.get("Paused")),
    )


def joined_container(found: Mapping[str, Any]) -> str:
    """The container whose network this one uses (`container:X`), empty without one."""
    kind, _colon, other = _mode(found).partition(":")
    return other if kind == "container" else ""


def part(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object of an answer, empty where it is null or missing."""
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """A string of an answer, empty where it is null or missing."""
    return value if isinstance(value, str) else ""


def _strings(value: object) -> tuple[str, ...]:
    return tuple(map(text, value)) if isinstance(value, list) else ()


def _seconds(value: object) -> float:
    """A container's stop timeout, negative for no limit; 10 s by default."""
    return float(value) if isinstance(value, int) else 10.0


def _health(state: Mapping[str, Any]) -> str:
    """The status of the HEALTHCHECK, empty without one ("none" for one that is disabled)."""
    status = text(part(state, "Health").get("Status"))
    return status if status in ("starting", "healthy", "unhealthy") else ""


def _mode(found: Mapping[str, Any]) -> str:
    return text(part(found, "HostConfig").get("NetworkMode"))


def _ports(
    exposed: Mapping[str, Any],
    published: Mapping[str, Any],
    mode: str,
    networks: Mapping[str, tuple[str, ...]],
) -> tuple[Port, ...]:
    """Exposed and published ports, each once, with its first binding on the host.

    A container in another container's network has only its own exposed ports: the published ones
    are services of the other.
    """
    joined = mode.startswith("container:")
    ports = []
    for key in exposed if joined else {**exposed, **published}:
        number, _slash, protocol = key.partition("/")
        if not _NUMBER.fullmatch(number) or not 0 < int(number) <= _HIGHEST_PORT:
            continue
        binding = _binding(published.get(key))
        if binding is None and (joined or key not in published):
            binding = _direct(int(number), mode, networks)
        ports.append(Port(int(number), protocol or "tcp", binding))
    return tuple(sorted(ports, key=_order))


def _binding(entries: object) -> Binding | None:
    """The first binding of a port, None for a port that is exposed and not published."""
    first = entries[0] if isinstance(entries, list) and entries else {}
    port = text(first.get("HostPort")) if isinstance(first, dict) else ""
    if not _NUMBER.fullmatch(port) or not 0 < int(port) <= _HIGHEST_PORT:
        return None
    return Binding(text(first.get("HostIp")), int(port))


def _direct(number: int, mode: str, networks: Mapping[str, tuple[str, ...]]) -> Binding | None:
    """The binding of an exposed port that Docker does not list as published.

    It is the host's for the host's network, and the container's for a network in which containers
    are reachable directly (macvlan, ipvlan, overlay). On the default bridge and without a network
    there is none.
    """
    if mode == "host" or mode.startswith("container:"):
        return Binding("0.0.0.0", number)
    if mode in ("default", "bridge", "none"):
        return None
    addresses = networks.get(mode) or next(iter(networks.values()), ())
    return Binding(addresses[0], number) if addresses else None


def _order(port: Port) -> tuple[int, int, str]:
    """By number, tcp first: of two ports with the same identifier the first keeps it."""
    return port.number, {"tcp": 0, "udp": 1}.get(port.protocol, 2), port.protocol


def _addresses(network: object) -> tuple[str, ...]:
    """The container's addresses in a network, IPv4 first."""
    known = network if isinstance(network, dict) else {}
    found = (text(known.get(key)) for key in ("IPAddress", "GlobalIPv6Address"))
    return tuple(address for address in found if address)
