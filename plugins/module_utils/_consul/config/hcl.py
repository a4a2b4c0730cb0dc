# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Consul configuration as an argument of `consul agent -hcl`. No I/O."""

from __future__ import annotations

import json
import re
import typing as t

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def hcl(config: t.Mapping[str, t.Any]) -> str:
    """The configuration in one line, nested objects as blocks.

    -hcl accepts JSON as well, but then parses a nested object as a list.
    """
    return " ".join(_assignment(key, value) for key, value in config.items())


def _assignment(key: str, value: t.Any) -> str:
    name = key if _PLAIN.fullmatch(key) else json.dumps(key)
    if isinstance(value, t.Mapping):
        return f"{name} {{ {hcl(value)} }}" if value else f"{name} {{}}"
    return f"{name} = {json.dumps(value)}"
