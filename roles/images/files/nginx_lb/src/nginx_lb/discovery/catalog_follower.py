"""Follows every service with a tag by a blocking query per node and two besides, in threads.

The answers are a leader's: without one there is no answer, and what was known stays.
"""

from __future__ import annotations

import logging
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

from ..settings.model import Consul
from .catalog_view import CatalogView, entries
from .consul_http import Answer, ConsulClient, Unanswered

log = logging.getLogger("nginx-lb")
_WAIT_SECONDS = 60
# Consul adds up to a sixteenth of the wait, so that queries do not end all at once.
_TIMEOUT_SECONDS = _WAIT_SECONDS * 17 / 16 + 5
_READ_SECONDS = 5.0
_FIRST_SECONDS, _MOST_SECONDS = 0.25, 5.0
# A burst is gathered for as long; a query whose index does not move is not asked faster.
_QUIET_SECONDS = 0.1
_NOT_PASSING = "/v1/health/state/any?filter=" + urllib.parse.quote('Status != "passing"')


class CatalogFollower:
    """Follows the instances with a tag until it is stopped; `told` is called after each change."""

    def __init__(self, place: Consul, tag: str, told: Callable[[], None]) -> None:
        """Begin at once."""
        self._place = place
        self._filter = urllib.parse.quote(f'"{tag}" in Tags')
        self._told = told
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._view = CatalogView()
        self._watched: dict[str, threading.Event] = {}
        self._entries: list[dict[str, Any]] | None = None
        self._spawn("nodes", "/v1/catalog/nodes", self._nodes, self._stop)
        self._spawn("checks", _NOT_PASSING, lambda _: self._changed.set(), self._stop)
        threading.Thread(target=self._assemble, name="catalog", daemon=True).start()

    def read(self) -> list[dict[str, Any]] | None:
        """The passing instances; None before every node has answered once."""
        return self._entries

    def stop(self) -> None:
        """Follow no further; the threads end with their next answer."""
        self._stop.set()
        self._changed.set()
        for over in self._watched.values():
            over.set()

    def _spawn(
        self, name: str, path: str, take: Callable[[Answer], None], over: threading.Event
    ) -> None:
        watch = _Watch(self._place, path, take, over)
        threading.Thread(target=watch.run, name=f"catalog {name}", daemon=True).start()

    def _nodes(self, answer: Answer) -> None:
        """One watch a node: those that left are ended, those that came begin."""
        with self._lock:
            self._view = self._view.with_nodes(answer.body)
            gone = set(self._watched) - set(self._view.services)
            new = set(self._view.services) - set(self._watched)
            for name in gone:
                self._watched.pop(name).set()
            for name in new:
                self._watched[name] = threading.Event()
        for name in new:
            path = f"/v1/catalog/node-services/{urllib.parse.quote(name, safe='')}"
            self._spawn(
                name, f"{path}?filter={self._filter}", self._taker(name), self._watched[name]
            )
        self._changed.set()

    def _taker(self, name: str) -> Callable[[Answer], None]:
        def take(answer: Answer) -> None:
            with self._lock:
                self._view = self._view.with_node(name, answer.body)
            self._changed.set()

        return take

    def _assemble(self) -> None:
        """After each change: the checks that do not pass, read after the services."""
        client = ConsulClient(self._place, _READ_SECONDS)
        while not self._stop.is_set():
            self._changed.wait()
            self._stop.wait(_QUIET_SECONDS)
            self._changed.clear()
            view = self._view
            if not view.whole or self._stop.is_set():
                continue
            try:
                failing = client.get(_NOT_PASSING)
            except Unanswered:
                self._changed.set()
                self._stop.wait(_FIRST_SECONDS)
                continue
            self._entries = list(entries(view, failing.body))
            self._told()
        client.close()


class _Watch:
    """One blocking query, asked again and again."""

    def __init__(
        self, place: Consul, path: str, take: Callable[[Answer], None], over: threading.Event
    ) -> None:
        self._client = ConsulClient(place, _TIMEOUT_SECONDS)
        self._path = f"{path}{'&' if '?' in path else '?'}wait={_WAIT_SECONDS}s&index="
        self._take = take
        self._over = over

    def run(self) -> None:
        """Ask until it is over."""
        index, pause = 0, _FIRST_SECONDS
        while not self._over.is_set():
            try:
                answer = self._client.get(f"{self._path}{index}")
            except Unanswered as error:
                log.debug("%s", error)
                self._over.wait(pause)
                pause = min(2 * pause, _MOST_SECONDS)
                continue
            pause = _FIRST_SECONDS
            if self._over.is_set():
                break
            if answer.index != index:
                self._take(answer)
            # An index that went backwards is another catalog's: its answers are asked for anew.
            index = answer.index if answer.index >= index else 0
            self._over.wait(_QUIET_SECONDS)
        self._client.close()
