"""Numbers and durations as text. Pure."""

from __future__ import annotations

import math

UNKNOWN = "?"


def seconds(value: float | None) -> str:
    """A duration: in ms below a second; a question mark where it is unknown."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0 s"
    return milliseconds(value * 1000)


def milliseconds(value: float) -> str:
    """A duration given in ms, with three digits that count."""
    if value >= 1000:
        return f"{value / 1000:.3g} s" if value < 1e6 else f"{value / 1000:.0f} s"
    return f"{value:.3g} ms"


def count(value: float | None) -> str:
    """A number with its thousands apart."""
    if value is None:
        return UNKNOWN
    if value == int(value):
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.3g}"


def ticks(length: float, most: int) -> list[float]:
    """Round seconds from 0 to `length`, at most so many steps."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600):
        if length / step <= most:
            break
    else:
        step = 3600 * math.ceil(length / 3600 / most)
    return [round(index * step, 3) for index in range(int(length / step + 1e-9) + 1)]


def clock(value: float, length: float) -> str:
    """A moment on a time axis of `length` seconds: seconds, or minutes and seconds."""
    if length < 120:
        return f"{value:g} s"
    return f"{int(value) // 60}:{int(value) % 60:02d}"
