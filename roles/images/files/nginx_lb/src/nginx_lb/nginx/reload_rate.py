"""When the next reload may come: at once when it is calm, seldom while changes go on. Pure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Pace:
    """The last reload, and the seconds that the next one keeps from it.

    A lone change is served at once and the next one soon after. From the third on they come so
    seldom that ten seconds of changes cost six reloads, the one that serves the last included.
    """

    calm_seconds: float
    churn_seconds: float
    last: float = float("-inf")
    pause: float = 0.0

    def due(self) -> float:
        """The clock's reading from which a reload may come."""
        return self.last + self.pause

    def reloaded(self, now: float) -> Pace:
        """After a reload; it was one of many when the pause before it had just ended."""
        many = now - self.due() < self.calm_seconds and self.pause > 0
        pause = self.churn_seconds if many else self.calm_seconds
        return dataclasses.replace(self, last=now, pause=pause)
