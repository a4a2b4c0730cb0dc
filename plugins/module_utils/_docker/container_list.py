# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""All containers of a host in a few words, running or not."""

from __future__ import annotations

import typing as t

from .container import OWNER_LABEL
from .engine import Engine


def list_containers(engine: Engine) -> list[dict[str, t.Any]]:
    """Every container, by its name. Raises EngineError.

    What is removed between the list and the look is left out.
    """
    found = (engine.inspect(entry.id) for entry in engine.containers())
    return sorted((summary(each) for each in found if each), key=lambda each: each["name"])


def summary(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A container as Docker's inspect shows it, in plain values."""
    config, state = found.get("Config") or {}, found.get("State") or {}
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        "name": str(found.get("Name") or "").lstrip("/"),
        "image": config.get("Image") or "",
        "owner": (config.get("Labels") or {}).get(OWNER_LABEL, ""),
        "status": state.get("Status") or "",
        "health": (state.get("Health") or {}).get("Status") or "",
        "addresses": [each["IPAddress"] for each in networks.values() if each.get("IPAddress")],
        "ports": _ports(found),
    }


def _ports(found: t.Mapping[str, t.Any]) -> list[dict[str, int]]:
    """Host and container ports; on the host's network an exposed port is one of the host."""
    config = found.get("Config") or {}
    if (found.get("HostConfig") or {}).get("NetworkMode") == "host":
        pairs = {(port, port) for port in map(_number, config.get("ExposedPorts") or {})}
    else:
        bound = (found.get("NetworkSettings") or {}).get("Ports") or {}
        pairs = {
            (int(each["HostPort"]), _number(port))
            for port, bindings in bound.items()
            for each in bindings or ()
        }
    return [{"host": outer, "container": inner} for outer, inner in sorted(pairs)]


def _number(port: str) -> int:
    """80 of 80/tcp."""
    return int(port.partition("/")[0])
