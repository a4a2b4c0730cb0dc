"""Says a thing once, not at every cycle."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Collection

log = logging.getLogger("registrator")
# Libraries name their objects in errors: the same trouble would look new at every attempt.
_MEMORY = re.compile(r" at 0x[0-9a-f]+")


def words(error: Exception) -> str:
    """What an error says, in the same words each time; its type where it says nothing."""
    return _MEMORY.sub("", str(error)) or type(error).__name__


@dataclasses.dataclass
class Telling:
    """What was said of which container."""

    _told: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)

    def once(self, what: str, container: str, reason: str) -> bool:
        """Say it unless it was said; whether it was new."""
        if (what, container, reason) in self._told:
            return False
        self._told.add((what, container, reason))
        log.info("%s: %s %s", what, container, reason)
        return True

    def keep(self, containers: Collection[str]) -> None:
        """Forget what was said of any other container."""
        self._told = {entry for entry in self._told if entry[1] in containers}
