"""Feels Consul's pulse in a thread of its own: an agent that hangs holds nobody else up."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..settings.model import Consul
from .leader_check import Pulse, Witness

_CALM_SECONDS, _TROUBLE_SECONDS = 2.0, 0.5


class Heartbeat:
    """Calls `told` with every pulse, from its thread, until it is stopped."""

    def __init__(self, place: Consul, told: Callable[[Pulse], None]) -> None:
        """Start at once."""
        self._witness = Witness(place)
        self._told = told
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No further pulse; the thread ends by itself."""
        self._stop.set()

    def _beat(self) -> None:
        while not self._stop.is_set():
            pulse = self._witness.pulse()
            if not self._stop.is_set():
                self._told(pulse)
            self._stop.wait(_CALM_SECONDS if pulse.leader else _TROUBLE_SECONDS)
        self._witness.close()
