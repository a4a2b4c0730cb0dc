"""Log lines that repeat with every attempt, logged once."""

from __future__ import annotations

import re
from collections.abc import Callable

# What a message is about, then what tells it from the others of the same subject.
Key = tuple[str, ...]
# Libraries put the addresses of objects into errors, which would make each attempt's text differ.
_MEMORY = re.compile(r" at 0x[0-9a-f]+")


def error_text(error: Exception) -> str:
    """An error's message without memory addresses; its type where the message is empty."""
    return _MEMORY.sub("", str(error)) or type(error).__name__


class LogOnce:
    """Logs the first message of each key. Not for several threads at once."""

    def __init__(self, log: Callable[[str], None], most: int | None = None) -> None:
        """Log through `log`, for at most so many keys; None for any number."""
        self._log = log
        self._most = most
        self._keys: set[Key] = set()

    def __call__(self, key: Key, message: str) -> bool:
        """Log the message unless one with this key was logged; whether it was new."""
        if key in self._keys or (self._most is not None and len(self._keys) >= self._most):
            return False
        self._keys.add(key)
        self._log(message)
        return True

    def retain(self, wanted: Callable[[Key], bool]) -> None:
        """Forget the keys that are not wanted any more: their next message is new again."""
        self._keys = {key for key in self._keys if wanted(key)}
