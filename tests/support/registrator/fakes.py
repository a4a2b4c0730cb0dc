"""An engine, an agent and what counts them, all in memory."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3
from registrator.domain.interfaces import AwayError, RefusedError, RegistryError, SourceError
from registrator.domain.model import Container, Registered

from .builders import reported


@dataclasses.dataclass
class FakeSource:
    """An engine with these containers, or none that answers.

    `broken` are identifiers that cannot be inspected, `codes` the exit codes of those that ended,
    `asked` the identifiers that were inspected.
    """

    containers: list[Container] = dataclasses.field(default_factory=list)
    silent: bool = False
    broken: dict[str, Exception] = dataclasses.field(default_factory=dict)
    codes: dict[str, int] = dataclasses.field(default_factory=dict)
    asked: list[str] = dataclasses.field(default_factory=list)

    def ids(self) -> list[str]:
        """The containers' identifiers, SourceError while silent."""
        self._answer()
        return [entry.id for entry in self.containers]

    def inspect(self, container_id: str) -> Container | None:
        """One of the containers, None for any other."""
        self._answer()
        self.asked.append(container_id)
        if container_id in self.broken:
            raise self.broken[container_id]
        return next((entry for entry in self.containers if entry.id == container_id), None)

    def exit_code(self, container_id: str) -> int | None:
        """The code that one ended with, None for one that is gone."""
        self._answer()
        if container_id in self.broken:
            raise self.broken[container_id]
        return self.codes.get(container_id)

    def _answer(self) -> None:
        if self.silent:
            raise SourceError("Docker is silent")


@dataclasses.dataclass
class FakeRegistry:
    """An agent that keeps what it is given, with everything written to it in `asked`.

    `refuses` and `fails` are identifiers, `checks` what the TTL checks were told, `found` what each
    service's checks have found, `token` what it is spoken to with, `led` whether there is a leader.
    """

    entries: dict[str, Registered] = dataclasses.field(default_factory=dict)
    silent: bool = False
    refuses: set[str] = dataclasses.field(default_factory=set)
    fails: set[str] = dataclasses.field(default_factory=set)
    asked: list[str] = dataclasses.field(default_factory=list)
    checks: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    token: str = ""
    led: bool = True
    found: dict[str, str] = dataclasses.field(default_factory=dict)

    def leader(self) -> str:
        """The leader, RegistryError while silent."""
        if self.silent:
            raise AwayError("Consul is silent")
        return "10.0.0.1:8300" if self.led else ""

    def check_states(self) -> Mapping[str, str]:
        """The states of its checks, RegistryError while silent."""
        if self.silent:
            raise AwayError("Consul is silent")
        return dict(self.found)

    def token_fingerprint(self) -> str:
        """A different one for each token."""
        return f"fingerprint of {self.token}" if self.token else ""

    def services(self) -> Mapping[str, Registered]:
        """The services, RegistryError while silent."""
        if self.silent:
            raise AwayError("Consul is silent")
        return dict(self.entries)

    def register(self, body: Mapping[str, Any]) -> None:
        """Keep a service unless it is one that is refused."""
        self._take(f"register {body['ID']}", body["ID"])
        self.entries[body["ID"]] = reported(body)

    def deregister(self, service_id: str) -> None:
        """Forget a service unless it is one that is refused."""
        self._take(f"deregister {service_id}", service_id)
        self.entries.pop(service_id, None)

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Remember what was told; a check of no service is refused."""
        self._take(f"update {check_id}", check_id)
        if check_id.removeprefix("service:") not in self.entries:
            raise RefusedError(f"404 Unknown check {check_id}")
        self.checks.append((check_id, status))

    def _take(self, what: str, identifier: str) -> None:
        self.asked.append(what)
        if identifier in self.fails or self.silent:
            raise RegistryError("500 No cluster leader")
        if identifier in self.refuses:
            raise RefusedError("400 Invalid check")


class FakeMetrics:
    """Keeps everything that is counted, by its name."""

    def __init__(self) -> None:
        """Nothing was counted yet."""
        self.heard: list[tuple[Any, ...]] = []

    def cycle(self, registered: int, deregistered: int, services: int, containers: int) -> None:
        """Keep the four numbers."""
        self.heard.append(("cycle", registered, deregistered, services, containers))

    def refused(self) -> None:
        """Keep that something was refused."""
        self.heard.append(("refused",))

    def error(self, kind: str) -> None:
        """Keep the kind."""
        self.heard.append(("error", kind))

    def event(self, action: str) -> None:
        """Keep the action."""
        self.heard.append(("event", action))

    def draining(self, containers: int) -> None:
        """Keep the number where there is one."""
        if containers:
            self.heard.append(("draining", containers))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """What was counted under one name."""
        return [entry[1:] for entry in self.heard if entry[0] == name]


@dataclasses.dataclass
class Wire:
    """An agent's HTTP interface: answers by verb and path, every request in `sent`."""

    answers: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)
    sent: list[tuple[str, Any, dict[str, str]]] = dataclasses.field(default_factory=list)
    broken: bool = False

    def request(
        self,
        verb: str,
        path: str,
        *,
        body: bytes | None,
        headers: dict[str, str],
        **_options: Any,
    ) -> urllib3.HTTPResponse:
        """What a pool of urllib3 answers; 200 with an empty object by default."""
        if self.broken:
            raise urllib3.exceptions.HTTPError("connection refused")
        self.sent.append((f"{verb} {path}", None if body is None else json.loads(body), headers))
        status, text = self.answers.get(f"{verb} {path}", (200, "{}"))
        return urllib3.HTTPResponse(text.encode(), status=status)

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
