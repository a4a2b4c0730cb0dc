"""When Docker's HEALTHCHECK is told to the agent: on change, and often enough for its TTL. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from ..domain.model import Service
from ..domain.validation import seconds

_DEFAULT_TTL = 30.0


@dataclasses.dataclass(frozen=True)
class Beat:
    """One update of a TTL check."""

    service_id: str
    status: str
    every: float

    @property
    def check_id(self) -> str:
        """The name that Consul gives the only check of a service."""
        return f"service:{self.service_id}"

    @property
    def output(self) -> str:
        """What the check says; always the same words, so that nothing is written but changes."""
        return f"Docker's HEALTHCHECK: {self.status}"


def beat_of(service: Service) -> Beat:
    """The update that a service's health asks for, three times within its TTL."""
    ttl = seconds(str((service.check or {}).get("TTL", ""))) or _DEFAULT_TTL
    return Beat(service.id, service.health, ttl / 3)


@dataclasses.dataclass
class Heartbeat:
    """What was told of which service, and when."""

    _told: dict[str, tuple[Beat, float]] = dataclasses.field(default_factory=dict)

    def beats(self, services: Iterable[Service], now: float) -> list[Beat]:
        """The updates that are due."""
        wanted = [beat_of(service) for service in services if service.health]
        return [beat for beat in wanted if self._is_due(beat, now)]

    def sent(self, beat: Beat, now: float) -> None:
        """The agent took an update."""
        self._told[beat.service_id] = (beat, now)

    def forget(self, service_id: str) -> None:
        """The service was registered anew: its check knows nothing."""
        self._told.pop(service_id, None)

    def keep(self, service_ids: Collection[str]) -> None:
        """Forget every other service."""
        self._told = {key: value for key, value in self._told.items() if key in service_ids}

    def due(self) -> float | None:
        """When the next update is due, None where nothing is fed."""
        return min((at + beat.every for beat, at in self._told.values()), default=None)

    def _is_due(self, beat: Beat, now: float) -> bool:
        told = self._told.get(beat.service_id)
        return told is None or told[0] != beat or told[1] + beat.every <= now
