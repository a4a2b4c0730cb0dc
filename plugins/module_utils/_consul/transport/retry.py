# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Waiting for servers that cannot answer yet."""

from __future__ import annotations

import time
import typing as t

from .errors import Unavailable, Unreachable

# A server that starts has its leader after a second or two.
PAUSE_SECONDS = 0.25

Found = t.TypeVar("Found")


def settled(look: t.Callable[[], Found], seconds: float) -> Found:
    """What `look` gives once the servers can answer; their last error at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except (Unreachable, Unavailable):
            if time.monotonic() >= deadline:
                raise
        time.sleep(PAUSE_SECONDS)
