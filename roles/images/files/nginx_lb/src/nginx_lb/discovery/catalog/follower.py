"""Follows all services with a tag by one blocking query per node and two more, each in a thread.

A blocking query per service, as consul-template uses, costs the agent a query for each service; a
query per node and one for the checks that do not pass report the same. The queries need a leader:
without one there is no answer, and what was known stays.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rollcall_common.backoff import Backoff

from ..settings.model import Consul
from .consul_client import Answer, ConsulClient, ConsulError

log = logging.getLogger("nginx-lb")
_WAIT_SECONDS = 60
# Consul adds a jitter of up to a sixteenth of the wait.
_TIMEOUT_SECONDS = _WAIT_SECONDS * 17 / 16 + 5
_READ_SECONDS = 5.0
# The first and the longest.
_BACKOFF_SECONDS = (0.25, 5.0)
# Debounces a burst of changes, and limits the rate of a query whose index does not move.
_DEBOUNCE_SECONDS = 0.1
_NOT_PASSING = "/v1/health/state/any?filter=" + urllib.parse.quote('Status != "passing"')


class CatalogFollower:
    """Follows the instances with a tag until it is stopped; calls `on_change` after each change."""

    def __init__(self, consul: Consul, tag: str, on_change: Callable[[], None]) -> None:
        """Start at once."""
        self._consul = consul
        self._filter = urllib.parse.quote(f'"{tag}" in Tags')
        self._on_change = on_change
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._view = CatalogView()
        self._stops: dict[str, threading.Event] = {}
        self._entries: list[dict[str, Any]] | None = None
        self._watch("nodes", "/v1/catalog/nodes", self._on_nodes, self._stop)
        self._watch("checks", _NOT_PASSING, lambda _: self._changed.set(), self._stop)
        threading.Thread(target=self._assemble, name="catalog", daemon=True).start()

    def read(self) -> list[dict[str, Any]] | None:
        """The passing instances; None until every node has been answered for once."""
        return self._entries

    def stop(self) -> None:
        """Stop following; the threads end with their next answer."""
        self._stop.set()
        self._changed.set()
        for stop in self._stops.values():
            stop.set()

    def _watch(
        self, name: str, path: str, on_answer: Callable[[Answer], None], stop: threading.Event
    ) -> None:
        watch = _Watch(self._consul, path, on_answer, stop)
        threading.Thread(target=watch.run, name=f"catalog {name}", daemon=True).start()

    def _on_nodes(self, answer: Answer) -> None:
        """One watch per node: stop those of nodes that left, start those of new nodes."""
        with self._lock:
            self._view = self._view.with_nodes(answer.body)
            gone = set(self._stops) - set(self._view.services)
            new = set(self._view.services) - set(self._stops)
            for name in gone:
                self._stops.pop(name).set()
            for name in new:
                self._stops[name] = threading.Event()
        for name in new:
            path = f"/v1/catalog/node-services/{urllib.parse.quote(name, safe='')}"
            self._watch(
                name, f"{path}?filter={self._filter}", self._on_node(name), self._stops[name]
            )
        self._changed.set()

    def _on_node(self, name: str) -> Callable[[Answer], None]:
        def on_answer(answer: Answer) -> None:
            with self._lock:
                self._view = self._view.with_node(name, answer.body)
            self._changed.set()

        return on_answer

    def _assemble(self) -> None:
        """After each change read the checks that do not pass, always after the services."""
        client = ConsulClient(self._consul, _READ_SECONDS)
        while not self._stop.is_set():
            self._changed.wait()
            self._stop.wait(_DEBOUNCE_SECONDS)
            self._changed.clear()
            view = self._view
            if not view.complete or self._stop.is_set():
                continue
            try:
                failing = client.get(_NOT_PASSING)
            except ConsulError:
                self._changed.set()
                self._stop.wait(_BACKOFF_SECONDS[0])
                continue
            self._entries = list(entries(view, failing.body))
            self._on_change()
        client.close()


class _Watch:
    """One blocking query, repeated until it is stopped."""

    def __init__(
        self, consul: Consul, path: str, on_answer: Callable[[Answer], None], stop: threading.Event
    ) -> None:
        self._client = ConsulClient(consul, _TIMEOUT_SECONDS)
        self._path = f"{path}{'&' if '?' in path else '?'}wait={_WAIT_SECONDS}s&index="
        self._on_answer = on_answer
        self._stop = stop

    def run(self) -> None:
        """Query until it is stopped."""
        index, backoff = 0, Backoff(*_BACKOFF_SECONDS)
        while not self._stop.is_set():
            try:
                answer = self._client.get(f"{self._path}{index}")
            except ConsulError as error:
                log.debug("%s", error)
                self._stop.wait(backoff.fail())
                continue
            backoff.succeed()
            if self._stop.is_set():
                break
            if answer.index != index:
                self._on_answer(answer)
            # An index that went backwards belongs to another catalog: start from 0 again.
            index = answer.index if answer.index >= index else 0
            self._stop.wait(_DEBOUNCE_SECONDS)
        self._client.close()


@dataclasses.dataclass(frozen=True)
class CatalogView:
    """Each node's address and services; the services are None until they are known."""

    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    services: Mapping[str, tuple[Any, ...] | None] = dataclasses.field(default_factory=dict)

    def with_nodes(self, answer: Any) -> CatalogView:
        """With the nodes of this answer; the services of new ones are not known yet."""
        found = {
            node["Node"]: str(node.get("Address") or "")
            for node in _objects(answer)
            if isinstance(node.get("Node"), str)
        }
        return CatalogView(found, {name: self.services.get(name) for name in found})

    def with_node(self, name: str, answer: Any) -> CatalogView:
        """With the services of one node; unchanged where the node has left."""
        if name not in self.services:
            return self
        listed = answer.get("Services") if isinstance(answer, dict) else None
        return dataclasses.replace(self, services={**self.services, name: tuple(_objects(listed))})

    @property
    def complete(self) -> bool:
        """Whether the services of every node are known."""
        return bool(self.services) and None not in self.services.values()


def entries(view: CatalogView, failing: Any) -> Iterator[dict[str, Any]]:
    """The passing instances, as snapshot.collect expects them.

    `failing` are all checks that do not pass, read after the services: an instance that was
    registered with a failing check must not look as if it had no check.
    """
    nodes, services = _failing(failing)
    for node, listed in view.services.items():
        if node in nodes:
            continue
        for service in listed or ():
            if (node, service.get("ID")) not in services:
                yield _entry(service, view.addresses[node])


def _failing(checks: Any) -> tuple[set[Any], set[tuple[Any, Any]]]:
    """The nodes with a failing node check, and the services with a failing check."""
    nodes: set[Any] = set()
    services: set[tuple[Any, Any]] = set()
    for check in _objects(checks):
        if check.get("ServiceID"):
            services.add((check.get("Node"), check["ServiceID"]))
        else:
            nodes.add(check.get("Node"))
    return nodes, services


def _entry(service: Mapping[str, Any], node_address: str) -> dict[str, Any]:
    weights = service.get("Weights")
    return {
        "service": service.get("Service"),
        "id": service.get("ID"),
        "address": service.get("Address") or node_address,
        "port": service.get("Port"),
        "weight": weights.get("Passing", 1) if isinstance(weights, dict) else 1,
        "tags": service.get("Tags") or [],
    }


def _objects(values: Any) -> Iterable[dict[str, Any]]:
    return (
        (value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()
    )
