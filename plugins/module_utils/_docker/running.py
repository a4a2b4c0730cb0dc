# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Everything that runs on a host, as Docker's inspect shows it. Raises EngineError."""

from __future__ import annotations

import typing as t

from .engine import Engine


class RunningEngine(Engine):
    """An engine that tells all about what runs, and changes nothing."""

    def inspected(self) -> list[dict[str, t.Any]]:
        """Every running container; what ends between the list and the look is left out."""
        # Stopped ones too: a filter that an old engine does not know would hide what runs.
        return [
            found
            for entry in self.containers()
            if entry.running or entry.status == "paused"
            for found in [self.inspect(entry.id)]
            if found
        ]
