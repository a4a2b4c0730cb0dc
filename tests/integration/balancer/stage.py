"""One balancer in a container, its Consul, and its services: what a story plays on."""

from __future__ import annotations

import dataclasses
import http.client
import json
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from rollcall_agents.agent import Agent, free_ports
from rollcall_agents.polling import eventually

from .backends import Backend

both_planes = pytest.mark.parametrize("plane", ["reload", "dns"])


@dataclasses.dataclass(frozen=True)
class Place:
    """Where balancers run: the engine's own arguments, and the address they are reached at.

    `backends` is the address at which a balancer there reaches what runs here.
    """

    engine: tuple[str, ...] = ()
    address: str = "127.0.0.1"
    backends: str = "127.0.0.1"
    network: str = "127.0.0.0/8"


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    text: str
    headers: dict[str, str]


class Stage:
    """A balancer that is not started yet; `end` removes all that it made."""

    # The program's name: its folders have it, and its lines in the log begin with it.
    program = "nginx-lb"

    def __init__(
        self, place: Place, image: str, agent: Agent, folder: pathlib.Path, plane: str
    ) -> None:
        """Choose ports and names; settings and certificates lie below `folder`."""
        self.place = place
        self.plane = plane
        self.agent = agent
        self.image = image
        self.folder = folder / "conf"
        (self.folder / "certificates").mkdir(parents=True)
        self.name = f"balancer-{uuid.uuid4().hex[:8]}"
        self.port, self.status_port, self.tls_port, self.dns_port = free_ports(4)
        self.backends: list[Backend] = []
        self._registered: list[str] = []

    # The balancer

    def settings(self, **values: Any) -> None:
        """Write the settings file, in one step; the essentials are there already."""
        essentials = {
            "port": self.port,
            "status_port": self.status_port,
            "status_address": self.place.address,
            "networks": [self.place.network],
            "data_plane": self.plane,
            "name_server_port": self.dns_port,
            "consul": {"address": f"{self.place.backends}:{self.agent.port}"},
        }
        partial = self.folder / "settings.partial"
        partial.write_text(json.dumps({**essentials, **values}))
        partial.rename(self.folder / "settings.json")

    def start(self, **settings: Any) -> None:
        """Run the balancer with these settings, and wait until it serves."""
        self.settings(**settings)
        self.docker("volume", "create", self.name)
        self.run()

    def run(self, *, wait: bool = True) -> None:
        """Run a container on the volume that is there."""
        self.docker(
            *("run", "-d", "--name", self.name, "--network", "host", "--stop-timeout", "30"),
            *("-v", f"{self.name}:/var/lib/{self.program}"),
            *("-v", f"{self.folder}:/etc/{self.program}/conf:ro"),
            self.image,
        )
        if wait:
            self.sees("a balancer that serves", lambda: self.health()["status"] == "ok")

    def recreate(self) -> None:
        """Another container on the same volume."""
        self.docker("rm", "-f", self.name)
        self.run()

    def log(self) -> str:
        """Everything the container has said."""
        done = subprocess.run(
            ["docker", *self.place.engine, "logs", self.name],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout

    def docker(self, *words: str) -> str:
        """What the engine answers. AssertionError, with the container's log, where it fails."""
        done = subprocess.run(
            ["docker", *self.place.engine, *words], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{done.stderr}\n{self.log()}"
        return done.stdout.strip()

    def container(self) -> str:
        """The identifier of the balancer's container, "" where there is none."""
        return self.docker("ps", "-aq", "--no-trunc", "--filter", f"name=^{self.name}$")

    def inside(self, *words: str) -> str:
        """What a program inside the container prints."""
        return self.docker("exec", self.name, *words)

    def kill_follower(self) -> None:
        """kill -9 of consul-template; it is started again."""
        find = """awk '$2 == "(consul-template)" {print $1}' /proc/[0-9]*/stat"""
        self.inside("sh", "-c", f"kill -9 $({find})")

    def end(self) -> None:
        """Remove the balancer, its volume, its backends and its services."""
        for words in (("rm", "-f", "-v", self.name), ("volume", "rm", "-f", self.name)):
            subprocess.run(["docker", *self.place.engine, *words], check=False, capture_output=True)
        for backend in self.backends:
            backend.stop()
        if self.agent.process is not None:
            self.agent.forget()
        shutil.rmtree(self.folder)

    # The services

    def backend(self, name: str, service: str = "web", **more: Any) -> Backend:
        """Start an instance and register it."""
        backend = Backend(name, self.place.backends)
        self.backends.append(backend)
        self.register(backend, service, **more)
        return backend

    def register(self, backend: Backend, service: str = "web", **more: Any) -> None:
        """Register an instance that listens already."""
        self.agent.register(
            service, backend.name, Address=backend.address, Port=backend.port, **more
        )

    def deregister(self, backend: Backend) -> None:
        """Take an instance out of Consul."""
        self.agent.call("PUT", f"/v1/agent/service/deregister/{backend.name}")

    # Asking

    def get(self, path: str = "/", *, host: str = "", method: str = "GET", **more: Any) -> Answer:
        """Ask the balancer once, on a fresh connection."""
        return ask(self.place.address, self.port, path, host=host, method=method, **more)

    def names(self, count: int = 12, **more: Any) -> set[str]:
        """The first words of some answers: the names of the backends that gave them."""
        answers = [self.get(**more) for _ in range(count)]
        return {(answer.text.split() or [str(answer.status)])[0] for answer in answers}

    def health(self) -> Any:
        """/healthz of the public port."""
        return json.loads(self.get("/healthz").text)

    def status(self) -> Any:
        """/status of the status port."""
        return json.loads(ask(self.place.address, self.status_port, "/status").text)

    def instances(self) -> Any:
        """/instances of the status port."""
        return json.loads(ask(self.place.address, self.status_port, "/instances").text)

    def metrics(self) -> dict[str, float]:
        """/metrics of the status port, by name and labels."""
        text = ask(self.place.address, self.status_port, "/metrics").text
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    def serving(self, *names: str, **more: Any) -> None:
        """Wait until exactly these backends answer, and nobody is left who would ask another."""
        self.sees(f"{names} answer", lambda: self.names(**more) == set(names) and self.settled())

    def knows(self, count: int) -> None:
        """Wait until so many instances are in rotation, for all workers."""
        self.sees(
            f"{count} instances",
            lambda: len(self.instances()["instances"]) == count and self.settled(),
        )

    def uses(self, revision: str) -> None:
        """Wait until the settings of this revision are in use, by all workers."""
        self.sees(
            f"the settings {revision!r}",
            lambda: self.status()["settings"]["revision"] == revision and self.settled(),
        )

    def settled(self) -> bool:
        """Whether all workers know what those know that answer.

        After a reload nginx's old workers accept for a while yet, beside the new ones.
        """
        told = self.instances()
        leaving = [
            row for row in told["instances"] if row["generations"] and not row["in_rotation"]
        ]
        return not told["pending"] and len(told["generations"]) == 1 and not leaving

    def reaches(self, state: str, seconds: float = 20) -> Any:
        """Wait for a state; the status that says so."""
        found = lambda: self.status() if self.status()["state"] == state else None  # noqa: E731
        return self.sees(f"the state {state}", found, seconds)

    def sees(self, what: str, look: Callable[[], Any], seconds: float = 20) -> Any:
        """What `look` returns once it is true; fails with the container's log at the deadline."""
        try:
            return eventually(what, look, seconds)
        except AssertionError as error:
            said = [line for line in self.log().splitlines() if line.startswith(f"{self.program}:")]
            raise AssertionError("\n".join([str(error), *said[-30:]])) from None


def ask(
    address: str,
    port: int,
    path: str,
    *,
    host: str = "",
    method: str = "GET",
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a fresh connection. OSError where nobody answers."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        named = {"Host": host} if host else {}
        connection.request(method, path, body=body, headers={**named, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, text, dict(answer.headers.items()))
    finally:
        connection.close()


def certificate(folder: pathlib.Path, name: str, host: str) -> None:
    """Put a self-signed certificate and its key into a folder."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={host}"),
            *("-addext", f"subjectAltName=DNS:{host}"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")),
        ],
        check=True,
        capture_output=True,
    )
