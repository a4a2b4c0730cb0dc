"""An engine, an agent and a world for the daemon that live in memory."""

from __future__ import annotations

import dataclasses
import io
import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from registrator.daemon import Daemon, Event
from registrator.model import Container, Registered
from registrator.plan import Plan
from registrator.ports import RefusedError, RegistryError, SourceError
from registrator.reconciler import Reconciler

from .builders import HOST_IP, reported, settings


@dataclasses.dataclass
class FakeSource:
    """An engine with these containers, or none that answers."""

    containers: list[Container] = dataclasses.field(default_factory=list)
    silent: bool = False

    def running(self) -> list[Container]:
        """The containers, SourceError while silent."""
        if self.silent:
            raise SourceError("Docker is silent")
        return list(self.containers)


@dataclasses.dataclass
class FakeRegistry:
    """An agent that keeps what it is given, with everything asked of it in `asked`."""

    entries: dict[str, Registered] = dataclasses.field(default_factory=dict)
    silent: bool = False
    refuses: str = ""
    asked: list[str] = dataclasses.field(default_factory=list)

    def services(self) -> Mapping[str, Registered]:
        """The services, RegistryError while silent."""
        if self.silent:
            raise RegistryError("Consul is silent")
        return dict(self.entries)

    def register(self, body: Mapping[str, Any]) -> None:
        """Keep a service unless it is the one that is refused."""
        self.asked.append(f"register {body['ID']}")
        if body["ID"] == self.refuses:
            raise RefusedError("400 Invalid check")
        self.entries[body["ID"]] = reported(body)

    def deregister(self, service_id: str) -> None:
        """Forget a service."""
        self.asked.append(f"deregister {service_id}")
        self.entries.pop(service_id, None)


Step = Callable[[], None]


@dataclasses.dataclass
class World(Reconciler):
    """A host whose reconciler plays one step of a story after each cycle."""

    steps: list[Step] = dataclasses.field(default_factory=list)
    drained: list[frozenset[str]] = dataclasses.field(default_factory=list)
    happening: queue.Queue[Event | None] = dataclasses.field(default_factory=queue.Queue)
    subscriptions: int = 0

    def __post_init__(self) -> None:
        """Give the host a daemon that is not running yet."""
        self.daemon = Daemon(self, self.events, resync=0)

    def cycle(self, draining: frozenset[str] = frozenset()) -> Plan:
        """Reconcile, then go on with the story; it ends where its steps do."""
        self.drained.append(draining)
        try:
            return super().cycle(draining)
        finally:
            if self.steps:
                self.steps.pop(0)()
            else:
                self.daemon.stop.set()

    def events(self) -> Iterator[Event]:
        """The engine's events as they happen, until one is None: then the stream breaks."""
        self.subscriptions += 1
        yield ("subscribed", "", {})
        while (event := self.happening.get()) is not None:
            yield event
        if not self.daemon.stop.is_set():
            raise SourceError("Docker closed the event stream")

    def play(self, *steps: Step) -> None:
        """Run the daemon through the story: one step after each cycle, one cycle after the last."""
        self.steps = list(steps)
        self.daemon.run()
        self.happening.put(None)
        for thread in threading.enumerate():
            if thread.name == "events":
                thread.join(5)

    def says(self, action: str, entry: Container, **attributes: str) -> Step:
        """The step in which the engine tells of a container."""
        return lambda: self.happening.put((action, entry.id, attributes))


def world(source: FakeSource, registry: FakeRegistry, **changes: Any) -> World:
    """A host with this engine and this agent."""
    return World(source, registry, settings(**changes), HOST_IP)


@dataclasses.dataclass
class Wire:
    """An agent's HTTP interface: answers by verb and path, every request in `sent`."""

    answers: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)
    sent: list[tuple[str, Any, dict[str, str]]] = dataclasses.field(default_factory=list)
    broken: bool = False

    def request(
        self,
        verb: str,
        url: str,
        *,
        data: str | None,
        headers: dict[str, str],
        timeout: float,
    ) -> requests.Response:
        """What requests.Session.request gives; 200 with an empty object unless told otherwise."""
        if self.broken:
            raise requests.ConnectionError("connection refused")
        path = "/" + url.split("/", 3)[3]
        self.sent.append((f"{verb} {path}", None if data is None else json.loads(data), headers))
        answer = requests.Response()
        answer.status_code, text = self.answers.get(f"{verb} {path}", (200, "{}"))
        answer.raw = io.BytesIO(text.encode())
        return answer

    @property
    def lines(self) -> list[str]:
        """The requests as verb and path."""
        return [line for line, _body, _headers in self.sent]


class Engine:
    """Stands for docker.APIClient: containers by identifier, or errors in their place."""

    def __init__(self) -> None:
        """An engine without containers."""
        self.found: dict[str, Mapping[str, Any] | Exception] = {}
        self.stream: list[Mapping[str, Any] | Exception] = []
        self.clients = 0
        self.down: Exception | None = None

    def connect(self, **_options: object) -> Engine:
        """What docker.APIClient() gives."""
        self.clients += 1
        return self

    def containers(self, filters: Mapping[str, str]) -> list[dict[str, str]]:
        """The list of what runs."""
        if self.down:
            raise self.down
        return [{"Id": identifier} for identifier in self.found]

    def inspect_container(self, identifier: str) -> Mapping[str, Any]:
        """One container in full."""
        found = self.found[identifier]
        if isinstance(found, Exception):
            raise found
        return found

    def events(self, **_options: object) -> Iterator[Mapping[str, Any]]:
        """The event stream to its end."""
        for event in self.stream:
            if isinstance(event, Exception):
                raise event
            yield event
