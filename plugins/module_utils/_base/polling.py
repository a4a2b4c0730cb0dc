# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Polling with a deadline."""

from __future__ import annotations

import time
import typing as t

PAUSE_SECONDS = 0.25

Found = t.TypeVar("Found")
Lack = t.TypeVar("Lack")


def poll(
    look: t.Callable[[], Found],
    missing: t.Callable[[Found], t.Sequence[Lack]],
    seconds: float,
    *,
    failure: t.Callable[[Found, t.Sequence[Lack]], Exception] | None = None,
    retry_on: tuple[type[Exception], ...] = (),
    pause: float = PAUSE_SECONDS,
) -> Found:
    """Call `look` until nothing is `missing` in what it returns, at least once.

    At the deadline the error of `failure` is raised; without `failure` the last result is returned.
    An error of `look` that is in `retry_on` is raised only at the deadline.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except retry_on:
            if time.monotonic() >= deadline:
                raise
        else:
            lacks = missing(found)
            if not lacks:
                return found
            if time.monotonic() >= deadline:
                if failure is None:
                    return found
                raise failure(found, lacks)
        time.sleep(pause)
