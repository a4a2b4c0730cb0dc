"""When a backend is started, and how long after that each place knows it. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from .table import Row

HOPS = ("passing in Consul", "in the balancer's configuration", "first answer routed to it")


def phases(count: int, period: float) -> list[float]:
    """When in a period each of so many backends is started, so that who polls is met fairly.

    They lie evenly: wherever in the period the poll is, their median wait for it is half a period,
    give or take half a step. Two in a row are far apart, for the first to be over.
    """
    far = next(step for step in range(count * 3 // 5, -1, -1) if math.gcd(step, count) == 1)
    return [number * far % count / count * period for number in range(count)]


def due(phase: float, period: float, now: float) -> float:
    """The first moment from `now` on that has this phase."""
    return phase + max(0, math.ceil((now - phase) / period)) * period


def hops(started: float, seen: Sequence[float | None]) -> tuple[float, ...]:
    """Milliseconds from a start to each place. ValueError where one never was, or was before."""
    found = []
    for hop, at in zip(HOPS, seen, strict=True):
        if at is None:
            raise ValueError(f"never {hop}")
        if at < started:
            raise ValueError(f"{hop} {(started - at) * 1000:.0f} ms before the start")
        found.append((at - started) * 1000)
    return tuple(found)


def rows(found: Mapping[str, Sequence[tuple[float, ...]]]) -> list[Row]:
    """The median of each hop, and the slowest way through all of them."""
    columns = [list(zip(*starts, strict=True)) for starts in found.values()]
    medians = [
        Row(f"{hop}, median ms", tuple(statistics.median(column[place]) for column in columns))
        for place, hop in enumerate(HOPS)
    ]
    return [*medians, Row(f"{HOPS[-1]}, slowest ms", tuple(max(c[-1]) for c in columns))]
