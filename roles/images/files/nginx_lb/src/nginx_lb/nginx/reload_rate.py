"""Debounces reloads: at once after a quiet period, less often in a burst. Pure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ReloadRate:
    """The last reload, and the seconds until the next one is allowed.

    The first change is published at once and the second soon after. From the third on the interval
    is so long that ten seconds of changes cost six reloads, including the one for the last change.
    """

    min_interval: float
    burst_interval: float
    last: float = float("-inf")
    interval: float = 0.0

    def due(self) -> float:
        """The clock's reading from which a reload is allowed."""
        return self.last + self.interval

    def reloaded(self, now: float) -> ReloadRate:
        """After a reload; it belongs to a burst when the interval before it had just ended."""
        burst = now - self.due() < self.min_interval and self.interval > 0
        interval = self.burst_interval if burst else self.min_interval
        return dataclasses.replace(self, last=now, interval=interval)
