"""Limits how often the catalog is read in a burst of changes. Pure: the times are arguments."""

from __future__ import annotations

# Without a change for so long, a burst is over.
_QUIET_SECONDS = 1.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.01, 0.1


class Pace:
    """The first two changes of a burst are read at once; after that the pauses grow.

    A pause is at least as long as the processor time of the reading before it.
    """

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._ended = self._not_before = float("-inf")
        self._pause = 0.0

    def delay(self, now: float) -> float:
        """Seconds until the catalog may be read again; `now` is monotonic, in seconds."""
        return max(0.0, self._not_before - now)

    def read(self, began: float, ended: float, processor_seconds: float) -> None:
        """The catalog was read."""
        if began - self._ended > _QUIET_SECONDS:
            self._pause = 0.0
            self._not_before = ended
        else:
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
            self._not_before = ended + max(self._pause, processor_seconds)
        self._ended = ended
