"""How long to wait before something that failed is tried again. Pure: the time is an argument."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

Jitter = Callable[[float, float], float]
# What was tried: its kind, then whose.
Key = tuple[str, ...]


@dataclasses.dataclass
class Backoff:
    """Doubles from `first` to `most` seconds, each time shortened by up to a half at random."""

    first: float
    most: float
    jitter: Jitter = random.uniform
    failures: int = 0

    def fail(self) -> float:
        """One failure more: how many seconds to wait now."""
        # 2**30 is beyond every `most`; without a bound a year of failures would overflow.
        seconds = min(self.first * 2.0 ** min(self.failures, 30), self.most)
        self.failures += 1
        return seconds * self.jitter(0.5, 1.0)

    def succeed(self) -> None:
        """The next failure is the first again."""
        self.failures = 0


@dataclasses.dataclass
class Patience:
    """Things that fail one by one, each with a backoff of its own."""

    first: float
    most: float
    jitter: Jitter = random.uniform
    _waiting: dict[Key, tuple[Backoff, float]] = dataclasses.field(default_factory=dict)

    def ready(self, key: Key, now: float) -> bool:
        """Whether this may be tried (again)."""
        return key not in self._waiting or self._waiting[key][1] <= now

    def fail(self, key: Key, now: float) -> bool:
        """Put it off; whether this is its first failure."""
        known = self._waiting.get(key)
        backoff = known[0] if known else Backoff(self.first, self.most, self.jitter)
        self._waiting[key] = (backoff, now + backoff.fail())
        return known is None

    def forget(self, key: Key) -> None:
        """It worked, or nobody wants it any more."""
        self._waiting.pop(key, None)

    def waiting(self, kind: str) -> list[Key]:
        """What failed and was not forgotten, of one kind."""
        return [key for key in self._waiting if key[0] == kind]

    def lapse(self, now: float) -> None:
        """Forget what could have been tried by now and was not: nobody wants it any more."""
        self._waiting = {key: entry for key, entry in self._waiting.items() if entry[1] > now}

    def clear(self) -> None:
        """Everything may be tried at once."""
        self._waiting.clear()

    def due(self) -> float | None:
        """When the next of them may be tried, None where nothing waits."""
        return min((until for _backoff, until in self._waiting.values()), default=None)
