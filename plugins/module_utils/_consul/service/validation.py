# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Validation of the strings of a service: durations, control characters, paths. No I/O."""

from __future__ import annotations

import re
import typing as t
import unicodedata

_DURATION = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


class ServiceError(Exception):
    """A service definition that Consul or its readers cannot handle: nothing was sent."""


def seconds_of(duration: str) -> float | None:
    """A duration in Go's syntax as seconds, None if it is invalid."""
    if not _DURATION.fullmatch(duration):
        return None
    return sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(duration))


def refuse_control(where: str, texts: t.Mapping[str, str]) -> None:
    """ServiceError for line breaks and other control characters."""
    for what, text in texts.items():
        if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
            raise ServiceError(f"{what} of {where} has a control character: {text[:60]!r}")


def refuse_path(what: str, text: str) -> None:
    """ServiceError for a string that the agent's HTTP server would rewrite in a path."""
    if any(part in ("", ".", "..") for part in text.split("/")):
        raise ServiceError(f"{what} {text!r} has an empty, '.' or '..' segment")
