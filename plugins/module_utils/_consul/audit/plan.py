# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Which registrations a repair removes. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._base.plan import Diff
from .model import Entry, Finding


@dataclasses.dataclass(frozen=True)
class RepairPlan:
    """What repair deregisters, each once, and the findings that remain."""

    removals: tuple[Entry, ...] = ()
    left: tuple[Finding, ...] = ()

    @property
    def diff(self) -> Diff:
        """The diff of the deregistered services."""
        before = {
            f"{entry.id} at {entry.node}": {
                "name": entry.name,
                "address": entry.address,
                "port": entry.port,
            }
            for entry in self.removals
        }
        return Diff({"services": before}, {"services": {}})

    def only(self, done: t.Collection[Entry]) -> RepairPlan:
        """The part of the plan that was carried out."""
        removals = tuple(entry for entry in self.removals if entry in done)
        return dataclasses.replace(self, removals=removals)


def plan_repair(findings: t.Sequence[Finding]) -> RepairPlan:
    """What to deregister for these findings; the others remain."""
    removals = {each.remove.key: each.remove for each in findings if each.remove is not None}
    left = tuple(each for each in findings if each.remove is None)
    return RepairPlan(tuple(removals.values()), left)
