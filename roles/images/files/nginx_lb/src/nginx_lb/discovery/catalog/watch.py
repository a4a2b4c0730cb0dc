"""One blocking query, which reports that something has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ...settings.model import Consul
from ..consul_client import Answer, ConsulClient, ConsulError

# Short, so that silence is noticed. Consul keeps the connection of a client that has gone until
# the wait is over.
_WAIT_SECONDS = 10
# Consul adds a jitter of up to a sixteenth of the wait.
_TIMEOUT_SECONDS = _WAIT_SECONDS * 17 / 16 + 5
# An agent that answers sooner although nothing has changed does not block.
_LEAST_SECONDS = 1.0
T = TypeVar("T")


class Watch(Generic[T]):
    """A blocking query whose answers another thread takes; `changed` protects what both use.

    `version` is what of an answer differs after a change.
    """

    def __init__(
        self,
        consul: Consul,
        path: str,
        parse: Callable[[bytes], T],
        version: Callable[[Answer[T]], object],
        changed: threading.Condition,
        stop: threading.Event,
    ) -> None:
        """Ask nothing yet."""
        self._client = ConsulClient(consul, _TIMEOUT_SECONDS)
        self._path = f"{path}{'&' if '?' in path else '?'}wait={_WAIT_SECONDS}s&index="
        self._parse = parse
        self._version = version
        self._changed = changed
        self._stop = stop
        self._index = 0
        self._taken = True
        self.answer: Answer[T] | None = None

    def take(self) -> None:
        """Let the query after the present answer be sent; `changed` is held."""
        self._taken = True
        self._changed.notify_all()

    def step(self) -> None:
        """Query once. An answer that nobody has taken yet is waited for: one is as good as ten."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken or self._stop.is_set())
        if not self._stop.is_set():
            self._query()

    def close(self) -> None:
        """End the query."""
        self._client.close()

    def _query(self) -> None:
        index, began = self._index, time.monotonic()
        # After a failure the query starts from 0 as well: the index may be another catalog's.
        self._index = 0
        answer = self._client.get(f"{self._path}{index}", self._parse, self.answer)
        if answer.index < 1:
            raise ConsulError(self._path.partition("?")[0], "the answer has no X-Consul-Index")
        # An index that went backwards belongs to another catalog: start from 0 again.
        self._index = answer.index if answer.index >= index else 0
        if not self.answer or not index or self._version(answer) != self._version(self.answer):
            with self._changed:
                self.answer, self._taken = answer, False
                self._changed.notify_all()
        elif answer.index == index and time.monotonic() - began < _LEAST_SECONDS:
            self._stop.wait(_LEAST_SECONDS)
