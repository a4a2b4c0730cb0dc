"""One balancer in a container, its Consul, and its services: what a story plays on."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from rollcall_agents.agent import Agent, free_ports
from rollcall_agents.polling import eventually

from .backends import Backend
from .clients import Answer, ask, trusting


@dataclasses.dataclass(frozen=True)
class Place:
    """Where balancers run: the engine's own arguments, and the address they are reached at.

    `backends` is the address at which a balancer there reaches what runs here.
    """

    engine: tuple[str, ...] = ()
    address: str = "127.0.0.1"
    backends: str = "127.0.0.1"
    network: str = "127.0.0.0/8"


class Stage:
    """A balancer that is not started yet; `end` removes all that it made.

    Each product has a stage of its own: how it is configured and how it says how it is.
    """

    # The program's name: its folders have it, and its lines in the log begin with it.
    program: ClassVar[str]
    # The Ansible role that runs it.
    role: ClassVar[str]
    # Whether an agent that is back and knows nothing yet takes no instance out.
    guarded: ClassVar[bool] = True
    # Whether another instance of a service costs no other configuration.
    follows_without_a_reload: ClassVar[bool]
    # How often a GET is sent that two instances answer with 503.
    tries: ClassVar[int]
    tls_port: int

    def __init__(self, place: Place, image: str, agent: Agent, folder: pathlib.Path) -> None:
        """Choose ports and a name; settings lie below `folder`."""
        self.place = place
        self.agent = agent
        self.image = image
        self.folder = folder / "conf"
        self.folder.mkdir(parents=True)
        self.name = f"{self.program}-{uuid.uuid4().hex[:8]}"
        self.port, self.status_port = free_ports(2)
        self.backends: list[Backend] = []
        self.volume_options: tuple[str, ...] = ()

    # What a product says in its own way

    def settings(self, **values: Any) -> None:
        """Write what the balancer reads, in one step; the essentials are there already."""
        raise NotImplementedError

    def tls(self, *, redirect: bool = False, **hosts: str) -> dict[str, Any]:
        """Settings for TLS with a new certificate for each host, by its name.

        The first is the default for all hosts without one.
        """
        raise NotImplementedError

    def acknowledged(self) -> None:
        """Wait until what was written last serves, and nothing older does."""
        raise NotImplementedError

    def settled(self) -> bool:
        """Whether all that answer know the same instances and settings."""
        raise NotImplementedError

    def rotation(self) -> dict[str, int]:
        """How many instances of each service may be asked."""
        raise NotImplementedError

    def loaded(self) -> int:
        """How many configurations have come into use in this container's life."""
        raise NotImplementedError

    def misses_consul(self) -> None:
        """Wait until the balancer has noticed that Consul is away."""
        raise NotImplementedError

    def hears_consul(self) -> None:
        """Wait until the balancer says that all is well with Consul."""
        raise NotImplementedError

    def keeps(self, backend: Backend) -> bool:
        """Whether another container on this volume would begin with the instance."""
        raise NotImplementedError

    def inputs(self, **more: Any) -> dict[str, Any]:
        """The inputs, without their prefix, with which the role makes this balancer."""
        return {
            "image": self.image,
            "pull": "never",
            "name": self.name,
            "directory": str(self.folder),
            "volume": self.name,
            "wait_timeout": 20,
            "port": self.port,
            "status_port": self.status_port,
            "networks": [self.place.network],
            "service": "web",
            "consul_address": f"{self.place.backends}:{self.agent.port}",
            **more,
        }

    # The balancer

    def start(self, **settings: Any) -> None:
        """Run the balancer with these settings, and wait until it serves."""
        self.settings(**settings)
        self.docker("volume", "create", *self.volume_options, self.name)
        self.run()

    def run(self) -> None:
        """Run a container on the volume that is there, and wait until it serves."""
        self.docker(
            *("run", "-d", "--name", self.name, "--network", "host", "--stop-timeout", "30"),
            *("-v", f"{self.name}:/var/lib/{self.program}"),
            *("-v", f"{self.folder}:/etc/{self.program}/conf:ro"),
            self.image,
        )
        self.sees("a balancer that serves", lambda: self.health()["status"] == "ok")

    def recreate(self) -> None:
        """Another container on the same volume."""
        self.docker("rm", "-f", self.name)
        self.run()

    def first_answer(self, path: str = "/", **more: Any) -> Answer:
        """What another container on the same volume answers first, asked before it is there."""
        self.docker("rm", "-f", self.name)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(eventually, "an answer", lambda: self.get(path, **more))
            self.run()
            return asked.result()

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
        """kill -9 of what follows Consul, once it runs; it is started again."""
        # A process that ends meanwhile is nothing to awk's liking.
        find = """awk '$2 == "(consul-template)" {print $1}' /proc/[0-9]*/stat 2>&-; true"""
        found = self.sees("consul-template", lambda: self.inside("sh", "-c", find).split())
        self.inside("sh", "-c", f"kill -9 {' '.join(found)}")

    def end(self) -> None:
        """Remove the balancer, its volume, its backends and its services."""
        for words in (("rm", "-f", "-v", self.name), ("volume", "rm", "-f", self.name)):
            subprocess.run(["docker", *self.place.engine, *words], check=False, capture_output=True)
        for backend in self.backends:
            backend.stop()
        if self.agent.process is not None:
            self.agent.forget()
        shutil.rmtree(self.folder, ignore_errors=True)

    # The services

    def backend(self, name: str, service: str = "web", port: int = 0, **more: Any) -> Backend:
        """Start an instance and register it."""
        backend = Backend(name, self.place.backends, port)
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

    def kill(self, backend: Backend) -> None:
        """End an instance as a crash would: Consul does not know."""
        backend.stop()
        self.backends.remove(backend)

    # Asking

    def get(self, path: str = "/", *, host: str = "", method: str = "GET", **more: Any) -> Answer:
        """Ask the balancer once, on a fresh connection."""
        return ask(self.place.address, self.port, path, host=host, method=method, **more)

    def get_by_tls(self, path: str = "/", *, host: str, **more: Any) -> Answer:
        """Ask the balancer once by TLS, whatever its certificate."""
        return ask(self.place.address, self.tls_port, path, host=host, tls=trusting(), **more)

    def names(self, count: int = 12, **more: Any) -> set[str]:
        """The first words of some answers: the names of the backends that gave them."""
        return {self.get(**more).name for _ in range(count)}

    def health(self) -> Any:
        """/healthz of the public port; nothing while nobody answers."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.get("/healthz").text)
        return {"status": "away"}

    def serving(self, *names: str, **more: Any) -> None:
        """Wait until exactly these backends answer, and nobody is left who would ask another."""
        self.sees(f"{names} answer", lambda: self.names(**more) == set(names) and self.settled())

    def rotates(self, **counts: int) -> None:
        """Wait until so many instances of each service may be asked."""
        self.sees(f"{counts} in rotation", lambda: self.rotation() == counts)

    def says(self, words: str, times: int = 1) -> None:
        """Wait until the container has said these words so often."""
        self.sees(f"{words!r} in the log", lambda: self.log().count(words) >= times)

    def sees(self, what: str, look: Callable[[], Any], seconds: float = 60) -> Any:
        """What `look` returns once it is true; fails with the container's log at the deadline."""
        try:
            return eventually(what, look, seconds)
        except AssertionError as error:
            said = [line for line in self.log().splitlines() if line.startswith(f"{self.program}:")]
            raise AssertionError("\n".join([str(error), *said[-30:]])) from None
