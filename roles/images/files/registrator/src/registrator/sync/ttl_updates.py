"""When to update the TTL checks that follow Docker's HEALTHCHECK. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from ..domain.model import Service
from ..domain.validation import duration_seconds

_DEFAULT_TTL = 30.0


@dataclasses.dataclass(frozen=True)
class TtlUpdate:
    """One update of a TTL check."""

    service_id: str
    status: str
    every: float

    @property
    def check_id(self) -> str:
        """The identifier that Consul generates for the only check of a service."""
        return f"service:{self.service_id}"

    @property
    def output(self) -> str:
        """The check's output; constant for a status, so that only changes reach the catalog."""
        return f"Docker's HEALTHCHECK: {self.status}"


def update_of(service: Service) -> TtlUpdate:
    """The update for a service's health, three times within its TTL."""
    ttl = duration_seconds(str((service.check or {}).get("TTL", ""))) or _DEFAULT_TTL
    return TtlUpdate(service.id, service.health, ttl / 3)


@dataclasses.dataclass
class TtlUpdates:
    """The last update of each service and its time; updates are due on change and periodically."""

    _sent: dict[str, tuple[TtlUpdate, float]] = dataclasses.field(default_factory=dict)

    def pending(self, services: Iterable[Service], now: float) -> list[TtlUpdate]:
        """The updates that are due now."""
        updates = [update_of(service) for service in services if service.health]
        return [update for update in updates if self._is_due(update, now)]

    def sent(self, update: TtlUpdate, now: float) -> None:
        """Record an update that the agent accepted."""
        self._sent[update.service_id] = (update, now)

    def forget(self, service_id: str) -> None:
        """The service was registered again, so its check starts without a state."""
        self._sent.pop(service_id, None)

    def retain(self, service_ids: Collection[str]) -> None:
        """Forget all other services."""
        self._sent = {key: value for key, value in self._sent.items() if key in service_ids}

    def due(self) -> float | None:
        """When the next update is due, None without any."""
        return min((at + update.every for update, at in self._sent.values()), default=None)

    def _is_due(self, update: TtlUpdate, now: float) -> bool:
        last = self._sent.get(update.service_id)
        return last is None or last[0] != update or last[1] + update.every <= now
