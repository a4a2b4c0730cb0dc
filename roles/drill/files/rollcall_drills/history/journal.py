"""JSON Lines files that are flushed at intervals."""

from __future__ import annotations

import collections
import json
import pathlib
import threading
from collections.abc import Mapping
from typing import Any

# Without blanks: a history has millions of lines.
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Journal:
    """Buffers lines and appends them to its file with `flush`.

    One thread may write while another flushes: a slow disk delays only the second.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Open the file for appending; OSError where it cannot be."""
        self._file = path.open("a", encoding="utf-8")
        self._buffer: collections.deque[str] = collections.deque()
        self._lock = threading.Lock()
        self.lines = 0

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line; it reaches the file with the next `flush`."""
        self._buffer.append(_encode(line) + "\n")
        self.lines += 1

    def flush(self) -> None:
        """Append the buffered lines to the file; OSError where the disk is full."""
        with self._lock:
            lines = [self._buffer.popleft() for _line in range(len(self._buffer))]
            self._file.write("".join(lines))
            self._file.flush()

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()
