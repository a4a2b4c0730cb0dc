"""The clock of every process that writes into a history."""

from __future__ import annotations

import dataclasses
import time


@dataclasses.dataclass(frozen=True)
class Clock:
    """Epoch seconds that never jump: the monotonic clock, moved by `offset` seconds.

    The kernel's monotonic clock is the same in every process, so a mark and a request that name
    the same second mean the same second, whatever happens to the wall clock meanwhile.
    """

    offset: float

    @classmethod
    def set_now(cls) -> Clock:
        """The clock that agrees with the wall clock at this moment."""
        return cls(time.time() - time.monotonic())

    def now(self) -> float:
        """Seconds of the epoch."""
        return self.offset + time.monotonic()
