"""What an agent that was away is slow to tell the catalog. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

# An agent whose first word to the servers fails, as it does while they do not know its token yet,
# tries again after 15 to 30 s (retryFailInterval in Consul's agent/ae). Until then the catalog
# hears of no check, but at once of what is registered, with its checks as they are.
FOLLOW_SECONDS = 35.0


@dataclasses.dataclass
class Following:
    """For a while after an agent was away, whose checks have changed since they were looked at."""

    _until: float = 0.0
    _seen: dict[str, str] = dataclasses.field(default_factory=dict)

    def begin(self, now: float) -> None:
        """The agent is back: nobody knows what the catalog has heard."""
        self._until = now + FOLLOW_SECONDS
        self._seen = {}

    def is_on(self, now: float) -> bool:
        """Whether the agent may still be slow."""
        return now < self._until

    def changed(self, states: Mapping[str, str]) -> frozenset[str]:
        """The services whose checks say something else than last time, all at the first."""
        before, self._seen = self._seen, dict(states)
        return frozenset(key for key, state in states.items() if before.get(key) != state)
