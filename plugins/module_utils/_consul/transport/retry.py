# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Retries while Consul has no leader or does not listen yet."""

from __future__ import annotations

import typing as t

from ..._base.polling import poll
from .errors import Unavailable, Unreachable

Found = t.TypeVar("Found")


def retry_until_available(request: t.Callable[[], Found], seconds: float) -> Found:
    """The result of `request` once the servers can answer; its last error at the deadline."""
    return poll(request, lambda _found: (), seconds, retry_on=(Unreachable, Unavailable))
