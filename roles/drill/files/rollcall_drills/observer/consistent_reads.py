"""Groups consistent reads into intervals with and without a leader. Pure: times are arguments."""

from __future__ import annotations

from ..history.records import Reads

# Four unanswered reads of one agent; a shorter gap is within the interval of the reads.
GAP_SECONDS = 0.2


class ConsistentReads:
    """Collects the moments at which some agent answered a consistent read."""

    def __init__(self, start: float) -> None:
        """`start` is when the first read was sent."""
        self._since = self._last = start
        self._reads = 0
        self.answered = 0

    def answer(self, at: float) -> list[Reads]:
        """One more answer; the stretches that are over by it."""
        over = self._gap(at)
        if over:
            self._since = at
        self._last = max(self._last, at)
        self._reads += 1
        self.answered += 1
        return over

    def close(self, at: float) -> list[Reads]:
        """What is left when reading ends."""
        over = self._gap(at)
        return over or [Reads(self._since, at, True, self._reads)]

    def _gap(self, at: float) -> list[Reads]:
        if at - self._last <= GAP_SECONDS:
            return []
        silent = Reads(self._last, at, False, 0)
        if not self._reads:
            return [silent]
        before = Reads(self._since, self._last, True, self._reads)
        self._reads = 0
        return [before, silent]
