"""What a stream of answers says of an instance that came or left. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence

from .table import Row


@dataclasses.dataclass(frozen=True)
class Answer:
    """Who answered a request, when it was sent and when it was answered, in seconds."""

    name: str
    sent: float
    answered: float


@dataclasses.dataclass(frozen=True)
class Change:
    """Seconds until an instance has answered, until a second one has, and until one is left."""

    came: float
    second: float
    left: float


TITLES = {
    "came": "registered, first answer",
    "second": "a second one just after it",
    "left": "deregistered, last request",
}


def first_after(answers: Iterable[Answer], name: str, began: float) -> float | None:
    """Seconds from `began` to the first answer of this instance, None without one."""
    return next((each.answered - began for each in answers if each.name == name), None)


def last_after(answers: Iterable[Answer], name: str, began: float) -> float:
    """Seconds from `began` until the last request was sent to this instance; 0 if none was."""
    return max([each.sent - began for each in answers if each.name == name], default=0.0)


def rows(found: Mapping[str, Sequence[Change]]) -> list[Row]:
    """The median and the slowest of each, in milliseconds."""
    return [
        Row(
            f"{title}, {kind} ms",
            tuple(
                of([getattr(change, name) * 1000 for change in changes])
                for changes in found.values()
            ),
        )
        for name, title in TITLES.items()
        for kind, of in (("median", statistics.median), ("slowest", max))
    ]
