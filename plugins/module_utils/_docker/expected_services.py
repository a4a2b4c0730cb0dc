# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Which ports of a running container ask Registrator to be registered, and as what. No I/O.

Upstream's vocabulary and identifiers, written down a second time on purpose: an audit that used
the daemon's own code would share its mistakes.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

_NUMBER = re.compile(r"[+-]?[0-9]+")
_PORT = re.compile(r"([0-9]{1,5})/(\w+)")
_HEX = re.compile(r"[0-9a-f]{12,64}")
# Docker lists what these publish; an exposed port alone is not reached from outside.
_BRIDGED = ("default", "bridge", "none")


@dataclasses.dataclass(frozen=True)
class RegistratorSettings:
    """How the host's Registrator runs: its -hostname, -ip, -internal, -explicit, label."""

    hostname: str
    ip: str = ""
    internal: bool = False
    explicit: bool = False
    label: str = ""


@dataclasses.dataclass(frozen=True)
class ExpectedService:
    """One port that asks to be registered; no `addresses` where any may be right."""

    id: str
    name: str
    container: str
    short_id: str
    port: int
    addresses: tuple[str, ...] = ()


def expected_services(
    found: t.Mapping[str, t.Any], rules: RegistratorSettings
) -> tuple[ExpectedService, ...]:
    """What a container, as Docker's inspect shows it, asks for; none unless it runs."""
    state = found.get("State") or {}
    if not state.get("Running") or state.get("Restarting"):
        return ()
    config = found.get("Config") or {}
    ports = _ports(found, internal=rules.internal)
    offers: dict[str, ExpectedService] = {}
    for number, protocol, published in ports:
        words, specific = _words(config, number)
        if "ignore" in words or (rules.explicit and "name" not in words):
            continue
        name = words.get("name") or _default_name(str(config.get("Image") or ""))
        if len(ports) > 1 and "name" not in specific:
            name = f"{name}-{number}"
        container = str(found.get("Name") or "").lstrip("/")
        suffix = ":udp" if protocol == "udp" else ""
        offer = ExpectedService(
            id=words.get("id") or f"{rules.hostname}:{container}:{number}{suffix}",
            name=name,
            container=container,
            short_id=str(found.get("Id") or "")[:12],
            port=published,
            addresses=_addresses(found, rules),
        )
        # Of two ports with one identifier the first keeps it.
        offers.setdefault(offer.id, offer)
    return tuple(offers.values())


def _ports(found: t.Mapping[str, t.Any], *, internal: bool) -> list[tuple[int, str, int]]:
    """Number, protocol and the number to be reached at, of every port that can be reached."""
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
    # By number, tcp first, as upstream's identifiers do not tell sctp from tcp.
    return sorted(ports, key=lambda port: (port[0], port[1] != "tcp", port[1]))


def _addresses(found: t.Mapping[str, t.Any], rules: RegistratorSettings) -> tuple[str, ...]:
    """The addresses of which one is right; none where it cannot be told from here."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    label = str(labels.get(rules.label) or "") if rules.label else ""
    if label:
        return (label.rpartition("/")[0] if "/" in label else label,)
    if not rules.internal:
        return (rules.ip,) if rules.ip else ()
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    if _mode(found) == "host":
        return ()
    keys = ("IPAddress", "GlobalIPv6Address")
    return tuple(net[key] for net in networks.values() for key in keys if net and net.get(key))


def _mode(found: t.Mapping[str, t.Any]) -> str:
    return str((found.get("HostConfig") or {}).get("NetworkMode") or "default")


def _words(config: t.Mapping[str, t.Any], port: int) -> tuple[dict[str, str], set[str]]:
    """The SERVICE_* values for a port, and which of them a port-specific key gave.

    Labels override the environment, SERVICE_<port>_X beats SERVICE_X, an empty value is none.
    """
    pairs = [entry.partition("=")[::2] for entry in config.get("Env") or () if "=" in entry]
    pairs += sorted((config.get("Labels") or {}).items())
    general: dict[str, str] = {}
    specific: dict[str, str] = {}
    for key, value in pairs:
        if key.startswith("SERVICE_"):
            word = key[len("SERVICE_") :].lower()
            head, underscore, tail = word.partition("_")
            if not (underscore and _NUMBER.fullmatch(head)):
                general[word] = value
            elif head == str(port):
                specific[tail] = value
    words = {key: value for key, value in {**general, **specific}.items() if key and value}
    return words, {key for key, value in specific.items() if value}


def _default_name(image: str) -> str:
    """The image's own name; the first characters of an identifier that stands for one."""
    if image.startswith("sha256:"):
        image = image[len("sha256:") :]
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return image[:12] if _HEX.fullmatch(image) else name
