"""Which containers are being stopped: their services leave before they do. Pure."""

from __future__ import annotations

import dataclasses
import signal

from ..domain.model import Container

# Docker's own numbers of the real-time signals, whatever this process's C library reserves.
_REALTIME = {"RTMIN": 34, "RTMAX": 64}
_ENDS = frozenset({2, 3, 9, 15})
# After its grace plus this, a container that still runs was not being stopped.
MARGIN_SECONDS = 2.0
# A StopTimeout of -1 waits for ever; who outlives this was told something else.
_LONGEST_SECONDS = 3600.0


def signal_number(text: str) -> int | None:
    """The number of a signal as Docker and images write it: 15, SIGTERM, term, SIGRTMIN+3."""
    word = text.strip().upper()
    if word.isascii() and word.isdigit():
        return int(word)
    word = word.removeprefix("SIG")
    base, sign, offset = word[:5], word[5:6], word[6:]
    if base in _REALTIME:
        if not sign:
            return _REALTIME[base]
        if sign in "+-" and offset.isascii() and offset.isdigit():
            return _REALTIME[base] + int(sign + offset)
        return None
    found = signal.Signals.__members__.get(f"SIG{word}")
    return None if found is None else int(found)


def stops(text: str, container: Container | None) -> bool:
    """Whether a signal ends a container: its own stop signal, or one that ends nearly all."""
    number = signal_number(text)
    if number is None:
        return False
    own = signal_number(container.stop_signal) if container else None
    return number in _ENDS or number == own


@dataclasses.dataclass
class Draining:
    """The containers that are being stopped, each until it must have ended."""

    _until: dict[str, float] = dataclasses.field(default_factory=dict)

    def begin(self, container_id: str, container: Container | None, now: float) -> None:
        """A container was told to stop; its own grace counts, Docker's where it is unknown."""
        grace = container.stop_timeout if container else 10.0
        seconds = grace + MARGIN_SECONDS if grace >= 0 else _LONGEST_SECONDS
        self._until[container_id] = now + min(seconds, _LONGEST_SECONDS)

    def end(self, container_id: str) -> None:
        """It ended, or it was started anew."""
        self._until.pop(container_id, None)

    def over(self, now: float) -> frozenset[str]:
        """Those that outlived their grace: they drain no longer."""
        found = frozenset(key for key, until in self._until.items() if until <= now)
        for key in found:
            del self._until[key]
        return found

    @property
    def now(self) -> frozenset[str]:
        """The containers that are being stopped."""
        return frozenset(self._until)

    def due(self) -> float | None:
        """When the next of them is over, None where none drains."""
        return min(self._until.values(), default=None)
