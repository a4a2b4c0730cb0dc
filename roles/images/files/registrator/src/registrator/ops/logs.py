"""The log on stderr: lines as upstream writes them, or one JSON object a line."""

from __future__ import annotations

import datetime
import json
import logging
import re
import sys
from typing import TextIO

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# Names and labels come from containers: they must not start a line or control a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Text(logging.Formatter):
    """`2026/11/21 07:04:24 added: 3f2a9c0d1e4b host-1:web:80`, as Go's log package writes it."""

    def __init__(self, prefix: str = "") -> None:
        """`prefix` is put before each message."""
        super().__init__(datefmt="%Y/%m/%d %H:%M:%S")
        self._prefix = prefix

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows on lines of its own."""
        line = f"{self.formatTime(record, self.datefmt)} {self._prefix}{_message(record)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Json(logging.Formatter):
    """Time, level and message, with a traceback as `error`."""

    def __init__(self, prefix: str = "") -> None:
        """`prefix` is put before each message."""
        super().__init__()
        self._prefix = prefix

    def format(self, record: logging.LogRecord) -> str:
        """One object on one line."""
        when = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        entry = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": self._prefix + _message(record),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str, log_format: str, prefix: str = "", stream: TextIO | None = None) -> None:
    """Log to stderr; a further call replaces the configuration.

    The HTTP libraries' warnings repeat what the daemon logs itself: they are logged with debug.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(Json(prefix) if log_format == "json" else Text(prefix))
    root = logging.getLogger()
    root.handlers[:] = [other for other in root.handlers if not isinstance(other, _Handler)]
    root.addHandler(handler)
    root.setLevel(logging.WARNING if level == "debug" else logging.ERROR)
    logging.getLogger("registrator").setLevel(_LEVELS[level])


class _Handler(logging.StreamHandler[TextIO]):
    """Our own handler, which is distinguished from those that others have added."""


def _message(record: logging.LogRecord) -> str:
    """The message with control characters and line breaks escaped."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", record.getMessage())
