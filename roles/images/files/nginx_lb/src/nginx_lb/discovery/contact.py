"""When Consul last answered each of several queries, and why it does not answer one."""

from __future__ import annotations

import logging
import threading
import time
import traceback

from rollcall_common.log_once import LogOnce, error_text

from .consul_client import ConsulError

log = logging.getLogger("nginx-lb")
_MAX_REASONS = 20


class Contact:
    """The state of the queries with these names, reported by the threads that send them."""

    def __init__(self, *names: str) -> None:
        """Nothing has been answered yet."""
        self._lock = threading.Lock()
        self._heard: dict[str, float | None] = dict.fromkeys(names)
        self._problems: dict[str, str] = {}
        self._log_once = LogOnce(log.warning, _MAX_REASONS)

    @property
    def problem(self) -> str:
        """Why a query is not answered, "" where none has failed since its last answer."""
        with self._lock:
            return next(iter(self._problems.values()), "")

    def age(self, now: float) -> float | None:
        """Seconds since the query that waits longest was answered; None where one never was."""
        with self._lock:
            heard = [each for each in self._heard.values() if each is not None]
            return now - min(heard) if len(heard) == len(self._heard) else None

    def heard(self, name: str) -> None:
        """This query was answered."""
        with self._lock:
            self._heard[name] = time.monotonic()
            if self._problems.pop(name, None) is not None and not self._problems:
                log.info("Consul answers every query again")
                self._log_once.retain(lambda _key: False)

    def failed(self, name: str, error: Exception) -> None:
        """This query was not answered; a reason is logged once until all are answered again."""
        text = error_text(error)
        reason = error.reason if isinstance(error, ConsulError) else text
        message = (
            text if isinstance(error, ConsulError) else "".join(traceback.format_exception(error))
        )
        with self._lock:
            self._problems[name] = text
            self._log_once((reason,), message)
