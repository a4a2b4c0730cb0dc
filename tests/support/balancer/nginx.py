"""nginx with its program in a container, set up by its settings file."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from rollcall_agents.agent import Agent, free_ports

from .backends import Backend
from .certificates import certificate
from .clients import ask
from .stage import Place, Stage


class NginxStage(Stage):
    """A stage with nginx on it."""

    program = "nginx-lb"
    role = "nginx_lb"
    # Each instance once.
    tries = 2
    follows_without_a_reload = True

    def __init__(self, place: Place, image: str, agent: Agent, folder: pathlib.Path) -> None:
        """Choose more ports; certificates lie below the settings."""
        super().__init__(place, image, agent, folder)
        self.certificates = self.folder / "certificates"
        self.certificates.mkdir()
        [self.tls_port] = free_ports(1)
        self.revision = 0

    def settings(self, **values: Any) -> None:
        """Write the settings file, with a revision of its own."""
        self.revision += 1
        essentials = {
            "revision": str(self.revision),
            "port": self.port,
            "status_port": self.status_port,
            "status_address": self.place.address,
            "networks": [self.place.network],
            "backend_header": True,
            "consul": {"address": f"{self.place.backends}:{self.agent.port}"},
        }
        partial = self.folder / "settings.partial"
        partial.write_text(json.dumps({**essentials, **values}))
        partial.rename(self.folder / "settings.json")

    def inputs(self, **more: Any) -> dict[str, Any]:
        """The inputs with which the role makes this balancer."""
        return super().inputs(**{"tls_port": self.tls_port, **more})

    def tls(self, *, redirect: bool = False, **hosts: str) -> dict[str, Any]:
        """The settings with new certificates; their files are read where they lie."""
        certificates: list[dict[str, Any]] = []
        for name, host in hosts.items():
            certificate(self.certificates, name, host)
            certificates.append({"name": name, **({"hosts": [host]} if certificates else {})})
        tls = {"port": self.tls_port, "certificates": certificates, "redirect": redirect}
        return {"tls": tls}

    def acknowledged(self) -> None:
        """Wait until all workers use the settings that were written last."""
        self.sees(
            f"settings {self.revision}",
            lambda: self.status()["settings"]["revision"] == str(self.revision) and self.settled(),
        )

    def settled(self) -> bool:
        """Whether nginx uses what Consul says, and no connection to a removed instance is left."""
        told = self.instances()
        return not told["pending"] and all(row["in_rotation"] for row in told["instances"])

    def rotation(self) -> dict[str, int]:
        """What the status says of each service."""
        return {name: each["instances"] for name, each in self.status()["services"].items()}

    def withdrawn(self, service: str = "web") -> list[str]:
        """The instances of a service that Consul did not remove and that get no requests."""
        return list(self.status()["services"][service]["withdrawn"])

    def loaded(self) -> int:
        """How often nginx has read another configuration."""
        return int(self.metrics()["nginx_lb_reloads_total"])

    def misses_consul(self) -> None:
        """It says since when and why; a container made anew has never heard of Consul.

        Other services are missed before the leader is.
        """

        def without_leader() -> Any:
            said = self.status()
            missed = said["state"] == "stale" and "/v1/status/leader" in said["reason"]
            return said if missed else None

        said = self.sees("staleness", without_leader, 60)
        assert said["contact_age_seconds"] is None or said["contact_age_seconds"] > 10

    def hears_consul(self) -> None:
        """It says that it serves what Consul says."""
        self.reaches("fresh")

    def keeps(self, backend: Backend) -> bool:
        """Its state names the port."""
        return str(backend.port) in self.inside("cat", "/var/lib/nginx-lb/state.json")

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

    def down(self) -> set[str]:
        """The instances that nginx has marked: they accept no connection."""
        socket = "/run/nginx-lb/control/nginx.sock"
        said = self.inside("curl", "-sS", "--unix-socket", socket, "http://localhost/instances")
        return {line.split()[1] for line in said.splitlines() if line.startswith("down ")}

    def requests(self) -> list[dict[str, Any]]:
        """The requests in the log, in their order."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def hears(self, words: str) -> None:
        """Wait until consul-template has written these words of the catalog."""
        written = ("cat", "/run/nginx-lb/snapshot.jsonl")
        self.sees(f"{words!r} of the catalog", lambda: words in self.inside(*written))

    def forgets(self, backend: Backend) -> None:
        """Wait until no worker knows an instance any more."""
        self.sees(
            f"nobody who knows {backend.name}",
            lambda: backend.port not in [row["port"] for row in self.instances()["instances"]],
        )

    def knows(self, count: int) -> None:
        """Wait until so many instances are in rotation, for all workers."""
        self.sees(
            f"{count} instances",
            lambda: len(self.instances()["instances"]) == count and self.settled(),
        )

    def reaches(self, state: str, seconds: float = 60) -> Any:
        """Wait for a state; the status that says so."""
        found = lambda: self.status() if self.status()["state"] == state else None  # noqa: E731
        return self.sees(f"the state {state}", found, seconds)
