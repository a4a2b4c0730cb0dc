"""Exponential backoff with jitter, for one operation or for many by key.

Pure: the time is an argument.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

Jitter = Callable[[float, float], float]
# An operation: its kind, then what it is applied to.
Key = tuple[str, ...]


@dataclasses.dataclass
class Backoff:
    """Doubles from `first` to `most` seconds; jitter shortens each wait by up to a half."""

    first: float
    most: float
    jitter: Jitter = random.uniform
    failures: int = 0

    def fail(self) -> float:
        """Count a failure; returns how many seconds to wait before the next attempt."""
        # 2**30 exceeds every `most`; without a bound a year of failures would overflow.
        seconds = min(self.first * 2.0 ** min(self.failures, 30), self.most)
        self.failures += 1
        return seconds * self.jitter(0.5, 1.0)

    def succeed(self) -> None:
        """Reset: the next failure waits `first` seconds again."""
        self.failures = 0


@dataclasses.dataclass
class KeyedBackoff:
    """A separate backoff for each key that failed."""

    first: float
    most: float
    jitter: Jitter = random.uniform
    _failed: dict[Key, tuple[Backoff, float]] = dataclasses.field(default_factory=dict)

    def ready(self, key: Key, now: float) -> bool:
        """Whether the operation may be attempted now."""
        return key not in self._failed or self._failed[key][1] <= now

    def fail(self, key: Key, now: float) -> bool:
        """Count a failure and postpone the operation; returns whether it is the first one."""
        known = self._failed.get(key)
        backoff = known[0] if known else Backoff(self.first, self.most, self.jitter)
        self._failed[key] = (backoff, now + backoff.fail())
        return known is None

    def forget(self, key: Key) -> None:
        """Reset one key: the operation succeeded, or is no longer needed."""
        self._failed.pop(key, None)

    def failed(self, kind: str) -> list[Key]:
        """The keys of one kind that failed and were not reset."""
        return [key for key in self._failed if key[0] == kind]

    def expire(self, now: float) -> None:
        """Drop the keys that were due and not attempted again: they are no longer needed."""
        self._failed = {key: entry for key, entry in self._failed.items() if entry[1] > now}

    def clear(self) -> None:
        """Reset every key."""
        self._failed.clear()

    def due(self) -> float | None:
        """When the next operation may be attempted, None where none is postponed."""
        return min((until for _backoff, until in self._failed.values()), default=None)
