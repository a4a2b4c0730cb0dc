"""Asks instances whether they are still what they were, in a thread."""

from __future__ import annotations

import concurrent.futures
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping

from ..discovery.threads import repeat
from .withdrawal import Finding, Target

log = logging.getLogger("nginx-lb")
_NAME = "prober"
_TIMEOUT_SECONDS = 1.0
_MAX_ANSWER_BYTES = 65536
# A thousand dead instances take a minute, and all that live are asked meanwhile.
_THREADS = 16
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")


class Prober:
    """The findings about the targets that are watched now; used by one thread."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Ask nobody yet; another thread calls `on_change` when there are other findings."""
        self._on_change = on_change
        self._lock = threading.Lock()
        self._targets: frozenset[Target] = frozenset()
        self._pause = 0.0
        self._findings: Mapping[Target, Finding] = {}
        self._wanted = threading.Event()
        repeat(_NAME, self._ask_all, threading.Event(), self._on_failure)

    @property
    def findings(self) -> Mapping[Target, Finding]:
        """What was found last about the present targets, as far as they were asked."""
        with self._lock:
            return {each: self._findings[each] for each in self._targets & self._findings.keys()}

    def watch(self, targets: frozenset[Target], pause: float) -> None:
        """Ask these from now on, with a pause in seconds; earlier findings hold for them."""
        with self._lock:
            self._targets, self._pause = targets, pause
            if targets:
                self._wanted.set()
            else:
                self._wanted.clear()
                self._findings = {}

    def _ask_all(self) -> None:
        self._wanted.wait()
        with self._lock:
            targets, pause, before = sorted(self._targets, key=str), self._pause, self._findings
        with concurrent.futures.ThreadPoolExecutor(_THREADS, _NAME) as pool:
            found = dict(zip(targets, pool.map(ask, targets), strict=True))
        with self._lock:
            if not self._targets:
                return
            self._findings = found
        if found != before:
            self._on_change()
        time.sleep(pause)

    def _on_failure(self, _name: str, error: Exception) -> None:
        log.error("the instances cannot be asked: %s", error)


def ask(target: Target) -> Finding:
    """What becomes of a connection to the instance, and of a request for its path if it has one.

    It takes two seconds at most, whatever the instance sends.
    """
    endpoint = target.endpoint
    try:
        with socket.create_connection((endpoint.address, endpoint.port), _TIMEOUT_SECONDS) as made:
            return _answer(made, target) if target.verification.path else Finding.UNKNOWN
    except ConnectionRefusedError:
        return Finding.REFUSED
    except OSError:
        return Finding.UNKNOWN


def _answer(connection: socket.socket, target: Target) -> Finding:
    words = (
        f"GET {target.verification.path} HTTP/1.0",
        f"Host: {target.endpoint}",
        "User-Agent: nginx-lb",
    )
    connection.sendall("".join(f"{each}\r\n" for each in (*words, "")).encode())
    until = time.monotonic() + _TIMEOUT_SECONDS
    text, answer = target.verification.text.encode(), b""
    while len(answer) < _MAX_ANSWER_BYTES:
        connection.settimeout(max(0.001, until - time.monotonic()))
        part = connection.recv(_MAX_ANSWER_BYTES)
        if not part:
            break
        answer += part
        if text in answer:
            return Finding.VERIFIED
    status = _STATUS.match(answer)
    # An instance that is broken says nothing about what it is.
    if not status or status[1] >= b"500":
        return Finding.UNKNOWN
    return Finding.OTHER
