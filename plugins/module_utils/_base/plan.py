# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""One plan for check mode, diff and the real run: the state before and after."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Diff:
    """The two sides that `--diff` shows, as plain JSON values."""

    before: t.Mapping[str, t.Any]
    after: t.Mapping[str, t.Any]

    @property
    def changed(self) -> bool:
        """Whether both sides differ: the only definition of `changed`."""
        return self.before != self.after

    def report(self, *, diff: bool) -> dict[str, t.Any]:
        """The return values of a plan: `changed`, and `diff` if requested."""
        result: dict[str, t.Any] = {"changed": self.changed}
        if diff:
            result["diff"] = {"before": dict(self.before), "after": dict(self.after)}
        return result
