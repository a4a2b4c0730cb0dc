# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The status of a load balancer, and the conditions that it does not meet. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class WantedStatus:
    """The conditions to meet; an empty one is not checked.

    Instances are given by their identifier in Consul or by address and port: `serving` must be in
    rotation, `without` must be out of it and have no connection of the load balancer's.
    """

    settings: str = ""
    synced: bool = False
    states: tuple[str, ...] = ()
    serving: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class BalancerStatus:
    """The pages /status and /instances; both empty if the balancer does not answer."""

    status: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    instances: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def refusal(seen: BalancerStatus, wanted: WantedStatus) -> str | None:
    """Why the wanted settings were rejected; None if they were not."""
    settings = seen.status["settings"]
    if not wanted.settings or settings["accepted"]:
        return None
    # Settings that could not be read have no revision.
    if settings["offered_revision"] not in (wanted.settings, ""):
        return None
    reason = settings["reason"]
    return f"the load balancer rejects its settings and keeps the last valid ones: {reason}"


def unmet(seen: BalancerStatus, wanted: WantedStatus) -> list[str]:
    """The conditions that are not met, one sentence each."""
    status = seen.status
    missing = []
    if wanted.settings and status["settings"]["revision"] != wanted.settings:
        missing.append(f"the settings {wanted.settings[:12]} are not in use yet")
    if wanted.synced and not status["synced"]:
        reason = status["reason"] or "it has just begun to follow"
        missing.append(f"it is not synced with Consul: {reason}")
    if wanted.states and status["state"] not in wanted.states:
        missing.append(f"its state is {status['state']}: {status['reason']}")
    missing += [f"{name} is not in rotation" for name in wanted.serving if not _serves(seen, name)]
    return missing + [text for name in wanted.without for text in _remaining(seen, name)]


def _rows(seen: BalancerStatus, name: str) -> list[t.Mapping[str, t.Any]]:
    return [
        row
        for row in seen.instances["instances"]
        if name
        in (row["id"], f"{row['address']}:{row['port']}", f"[{row['address']}]:{row['port']}")
    ]


def _serves(seen: BalancerStatus, name: str) -> bool:
    return any(row["in_rotation"] for row in _rows(seen, name))


def _remaining(seen: BalancerStatus, name: str) -> list[str]:
    """Why an instance is not removed yet."""
    found = []
    for row in _rows(seen, name):
        if row["in_rotation"]:
            found.append(f"{name} is in rotation")
        else:
            found.append(f"the load balancer has open connections to {name}")
    return found
