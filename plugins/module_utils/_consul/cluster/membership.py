# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Whether an agent can be forgotten. No I/O."""

from __future__ import annotations

from ..._base.plan import Diff
from .model import Observation


def status_of(seen: Observation, name: str) -> str:
    """The gossip's word on a member, `absent` where it has none."""
    return next((member.status for member in seen.members if member.name == name), "absent")


def plan(seen: Observation, name: str) -> Diff:
    """What is so and what shall be: the member's status."""
    return Diff({name: status_of(seen, name)}, {name: "absent"})
