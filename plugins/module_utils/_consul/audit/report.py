# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Findings as a table, as counts and as one phrase. No I/O."""

from __future__ import annotations

import typing as t

from .model import KINDS, Finding

_COLUMNS = ("kind", "service_id", "container", "address", "node", "detail")


def counts(findings: t.Sequence[Finding]) -> dict[str, int]:
    """How many of each kind, those without one too."""
    return {kind: sum(each.kind == kind for each in findings) for kind in KINDS}


def table(findings: t.Sequence[Finding]) -> list[str]:
    """The findings as lines with aligned columns."""
    if not findings:
        return ["clean"]
    rows = [tuple(column.upper() for column in _COLUMNS)]
    rows += [
        (
            each.kind,
            each.service_id,
            each.container or "-",
            f"{each.address or '?'}:{each.port}",
            each.node,
            each.detail,
        )
        for each in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def verdict(findings: t.Sequence[Finding]) -> str:
    """The findings as a phrase: `2 ghost, 1 missing`."""
    parts = [f"{number} {kind}" for kind, number in counts(findings).items() if number]
    return ", ".join(parts) or "clean"
