"""How long to wait before something that failed is tried again. Pure: nothing here waits."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

Jitter = Callable[[float, float], float]


@dataclasses.dataclass
class Backoff:
    """Doubles from `first` to `most` seconds, each time shortened by up to a half at random."""

    first: float
    most: float
    jitter: Jitter = random.uniform
    failures: int = 0

    def fail(self) -> float:
        """Count one failure more; how many seconds to wait now."""
        # 2**30 is beyond every `most`; without a bound a year of failures would overflow.
        seconds = min(self.first * 2.0 ** min(self.failures, 30), self.most)
        self.failures += 1
        return seconds * self.jitter(0.5, 1.0)

    def succeed(self) -> None:
        """The next failure is the first again."""
        self.failures = 0
