# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The containers of a host, running or not, in plain values."""

from __future__ import annotations

import typing as t

from .container import OWNER_LABEL
from .engine import Engine


def list_containers(engine: Engine) -> list[dict[str, t.Any]]:
    """Every container, sorted by name. Raises EngineError.

    A container that is removed in between is left out.
    """
    found = (engine.inspect(entry.id) for entry in engine.containers())
    return sorted((summary(each) for each in found if each), key=lambda each: each["name"])


def inspect_running(engine: Engine) -> list[dict[str, t.Any]]:
    """The output of docker inspect for every running or paused container. Raises EngineError.

    The list has no filter: an old engine that does not know a filter would hide running containers.
    """
    active = (each for each in engine.containers() if each.running or each.status == "paused")
    return [found for found in (engine.inspect(each.id) for each in active) if found]


def summary(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The plain values of a container, from the output of docker inspect."""
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
    """Host and container ports; in the host network an exposed port is a host port."""
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
