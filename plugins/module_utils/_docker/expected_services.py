# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The services that Registrator should register for a running container. No I/O.

This is a second implementation of gliderlabs/registrator's rules on purpose: an audit with the code
of our daemon would share its bugs.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

_NUMBER = re.compile(r"[+-]?[0-9]+")
_PORT = re.compile(r"([0-9]{1,5})/(\w+)")
_HEX = re.compile(r"[0-9a-f]{12,64}")
# Docker lists the ports that these publish; an exposed port is not reachable from outside.
_BRIDGED = ("default", "bridge", "none")


@dataclasses.dataclass(frozen=True)
class RegistratorSettings:
    """The flags of the Registrator of the host: its -hostname, -ip, -internal, -explicit, label."""

    hostname: str
    ip: str = ""
    internal: bool = False
    explicit: bool = False
    label: str = ""


@dataclasses.dataclass(frozen=True)
class ExpectedService:
    """One port to register; no `addresses` if every address is valid."""

    id: str
    name: str
    container: str
    short_id: str
    port: int
    addresses: tuple[str, ...] = ()


def expected_services(
    found: t.Mapping[str, t.Any], settings: RegistratorSettings
) -> tuple[ExpectedService, ...]:
    """The services of a container from docker inspect; none unless it is running."""
    state = found.get("State") or {}
    if not state.get("Running") or state.get("Restarting"):
        return ()
    config = found.get("Config") or {}
    ports = _ports(found, internal=settings.internal)
    services: dict[str, ExpectedService] = {}
    for number, protocol, published in ports:
        metadata, specific = _service_metadata(config, number)
        if "ignore" in metadata or (settings.explicit and "name" not in metadata):
            continue
        name = metadata.get("name") or _default_name(str(config.get("Image") or ""))
        if len(ports) > 1 and "name" not in specific:
            name = f"{name}-{number}"
        container = str(found.get("Name") or "").lstrip("/")
        suffix = ":udp" if protocol == "udp" else ""
        service = ExpectedService(
            id=metadata.get("id") or f"{settings.hostname}:{container}:{number}{suffix}",
            name=name,
            container=container,
            short_id=str(found.get("Id") or "")[:12],
            port=published,
            addresses=_addresses(found, settings),
        )
        # The first of two ports with one identifier keeps it.
        services.setdefault(service.id, service)
    return tuple(services.values())


def _ports(found: t.Mapping[str, t.Any], *, internal: bool) -> list[tuple[int, str, int]]:
    """Container port, protocol and reachable port of every reachable port."""
    exposed = (found.get("Config") or {}).get("ExposedPorts") or {}
    bound = (found.get("NetworkSettings") or {}).get("Ports") or {}
    mode = _mode(found)
    joined = mode.startswith("container:")
    ports = []
    for key in exposed if joined else {**exposed, **bound}:
        match = _PORT.fullmatch(key)
        if match is None:
            continue
        number = int(match[1])
        first = (bound.get(key) or [{}])[0].get("HostPort") or ""
        published = int(first) if _NUMBER.fullmatch(first) else 0
        if not published and (joined or (key not in bound and mode not in _BRIDGED)):
            published = number
        if internal:
            published = number
        if published:
            ports.append((number, match[2], published))
    # By number, tcp first: upstream's identifiers do not distinguish sctp from tcp.
    return sorted(ports, key=lambda port: (port[0], port[1] != "tcp", port[1]))


def _addresses(found: t.Mapping[str, t.Any], settings: RegistratorSettings) -> tuple[str, ...]:
    """The valid addresses; none if they cannot be derived here."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    label = str(labels.get(settings.label) or "") if settings.label else ""
    if label:
        return (label.rpartition("/")[0] if "/" in label else label,)
    if not settings.internal:
        return (settings.ip,) if settings.ip else ()
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    if _mode(found) == "host":
        return ()
    keys = ("IPAddress", "GlobalIPv6Address")
    return tuple(net[key] for net in networks.values() for key in keys if net and net.get(key))


def _mode(found: t.Mapping[str, t.Any]) -> str:
    return str((found.get("HostConfig") or {}).get("NetworkMode") or "default")


def _service_metadata(config: t.Mapping[str, t.Any], port: int) -> tuple[dict[str, str], set[str]]:
    """The SERVICE_* values of a port, and the names of those with a port-specific key.

    Labels override the environment, SERVICE_<port>_X overrides SERVICE_X, an empty value is unset.
    """
    pairs = [entry.partition("=")[::2] for entry in config.get("Env") or () if "=" in entry]
    pairs += sorted((config.get("Labels") or {}).items())
    general: dict[str, str] = {}
    specific: dict[str, str] = {}
    for key, value in pairs:
        if key.startswith("SERVICE_"):
            name = key[len("SERVICE_") :].lower()
            head, underscore, tail = name.partition("_")
            if not (underscore and _NUMBER.fullmatch(head)):
                general[name] = value
            elif head == str(port):
                specific[tail] = value
    metadata = {key: value for key, value in {**general, **specific}.items() if key and value}
    return metadata, {key for key, value in specific.items() if value}


def _default_name(image: str) -> str:
    """The base name of the image; the first characters of an image identifier."""
    if image.startswith("sha256:"):
        image = image[len("sha256:") :]
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return image[:12] if _HEX.fullmatch(image) else name
