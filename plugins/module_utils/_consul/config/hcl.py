# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Consul's configuration as `consul agent -hcl` takes it. No I/O."""

from __future__ import annotations

import json
import re
import typing as t

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def hcl(config: t.Mapping[str, t.Any]) -> str:
    """The configuration in one line, an object in an object as a block.

    -hcl takes JSON too, and then mistakes an object in an object for a list.
    """
    return " ".join(_word(key, value) for key, value in config.items())


def _word(key: str, value: t.Any) -> str:
    name = key if _PLAIN.fullmatch(key) else json.dumps(key)
    if isinstance(value, t.Mapping):
        return f"{name} {{ {hcl(value)} }}" if value else f"{name} {{}}"
    return f"{name} = {json.dumps(value)}"
