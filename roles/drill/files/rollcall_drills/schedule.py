"""A random but repeatable order of faults. Pure: the same seed gives the same list."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True)
class Step:
    """One fault: the steps come one after the other, so no two hosts are ever hit at once."""

    number: int
    fault: str
    host: str
    hold_seconds: float

    def to_json(self) -> dict[str, Any]:
        """The document of a step."""
        return dataclasses.asdict(self)


def schedule(
    seed: int,
    count: int,
    hosts: Sequence[str],
    faults: Sequence[str],
    hold: tuple[float, float],
) -> list[Step]:
    """`count` steps; each fault and each host comes up as often as any other, give or take one.

    `hold` are the least and the most seconds that a fault is held.
    """
    # Of Random only random() promises the same numbers in every version of Python.
    chance = random.Random(seed).random
    kinds, places = _evenly(faults, count, chance), _evenly(hosts, count, chance)
    least, most = hold
    return [
        Step(number, fault, host, round(least + chance() * (most - least), 1))
        for number, (fault, host) in enumerate(zip(kinds, places, strict=True), 1)
    ]


def _evenly(items: Sequence[Item], count: int, chance: Any) -> list[Item]:
    """Rounds of all items, each round in an order of its own."""
    found: list[Item] = []
    while len(found) < count:
        found += sorted(items, key=lambda _item: chance())
    return found[:count]
