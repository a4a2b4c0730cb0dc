"""Containers that are being stopped: their services are deregistered before they exit. Pure."""

from __future__ import annotations

import dataclasses
import signal

from ..domain.model import Container

# Docker's numbers of the real-time signals, which do not depend on a C library.
_REALTIME = {"RTMIN": 34, "RTMAX": 64}
_ENDS = frozenset({2, 3, 9, 15})
# A container that still runs this long after its stop timeout was not being stopped.
MARGIN_SECONDS = 2.0
# A StopTimeout of -1 has no limit; a container that still runs after this is registered again.
_MAX_SECONDS = 3600.0


def signal_number(text: str) -> int | None:
    """The number of a signal as written by Docker or an image: 15, SIGTERM, term, SIGRTMIN+3."""
    name = text.strip().upper()
    if name.isascii() and name.isdigit():
        return int(name)
    name = name.removeprefix("SIG")
    base, sign, offset = name[:5], name[5:6], name[6:]
    if base in _REALTIME:
        if not sign:
            return _REALTIME[base]
        if sign in "+-" and offset.isascii() and offset.isdigit():
            return _REALTIME[base] + int(sign + offset)
        return None
    found = signal.Signals.__members__.get(f"SIG{name}")
    return None if found is None else int(found)


def stops(text: str, container: Container | None) -> bool:
    """Whether a signal stops a container: its own stop signal, or a common one."""
    number = signal_number(text)
    if number is None:
        return False
    own = signal_number(container.stop_signal) if container else None
    return number in _ENDS or number == own


@dataclasses.dataclass
class Draining:
    """The containers that are being stopped, each until its stop timeout has passed."""

    _until: dict[str, float] = dataclasses.field(default_factory=dict)

    def begin(self, container_id: str, container: Container | None, now: float) -> None:
        """The container was sent its stop signal; an unknown one has Docker's default timeout."""
        timeout = container.stop_timeout if container else 10.0
        seconds = timeout + MARGIN_SECONDS if timeout >= 0 else _MAX_SECONDS
        self._until[container_id] = now + min(seconds, _MAX_SECONDS)

    def end(self, container_id: str) -> None:
        """The container ended, or was started again."""
        self._until.pop(container_id, None)

    def expire(self, now: float) -> frozenset[str]:
        """Remove and return the containers whose timeout has passed."""
        found = frozenset(key for key, until in self._until.items() if until <= now)
        for key in found:
            del self._until[key]
        return found

    @property
    def now(self) -> frozenset[str]:
        """The containers that are being stopped."""
        return frozenset(self._until)

    def due(self) -> float | None:
        """When the next timeout passes, None without any."""
        return min(self._until.values(), default=None)
