"""Logs a message once for each subject, not at every cycle."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Collection

# Libraries put the addresses of objects into errors, which would make each attempt's text differ.
_MEMORY = re.compile(r" at 0x[0-9a-f]+")


def error_text(error: Exception) -> str:
    """An error's message without memory addresses; its type where the message is empty."""
    return _MEMORY.sub("", str(error)) or type(error).__name__


@dataclasses.dataclass
class LogOnce:
    """The messages that were logged to `log`, by kind and subject."""

    log: logging.Logger
    _logged: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)

    def info(self, kind: str, subject: str, message: str) -> bool:
        """Log `kind: subject message` unless it was logged before; returns whether it was new."""
        if (kind, subject, message) in self._logged:
            return False
        self._logged.add((kind, subject, message))
        self.log.info("%s: %s %s", kind, subject, message)
        return True

    def retain(self, subjects: Collection[str]) -> None:
        """Forget the messages of all other subjects."""
        self._logged = {entry for entry in self._logged if entry[1] in subjects}
