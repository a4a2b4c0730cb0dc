"""Files of lines that are written a second at a time."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

# Without blanks: a history has millions of lines.
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Journal:
    """Collects lines and appends them to its file when told to."""

    def __init__(self, path: pathlib.Path) -> None:
        """Open the file for appending; OSError where it cannot be."""
        self._file = path.open("a", encoding="utf-8")
        self._waiting: list[str] = []
        self.lines = 0

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line; it reaches the file with the next `flush`."""
        self._waiting.append(_encode(line) + "\n")
        self.lines += 1

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.write("".join(self._waiting))
        self._waiting.clear()
        self._file.flush()

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()
