"""A discovery that follows an agent, and what it has reported."""

from __future__ import annotations

import ipaddress
import pathlib
import time
from collections.abc import Sequence

from nginx_lb.discovery.service_discovery import ServiceDiscovery
from nginx_lb.discovery.snapshot import Snapshot
from nginx_lb.settings.model import Consul, Discover, Service, Settings
from rollcall_agents.polling import eventually


class Stage:
    """What the balancer's main loop does with the discovery."""

    def __init__(self, folder: pathlib.Path, address: str, port: int) -> None:
        """Follow nothing yet."""
        self.consul = Consul(address, port)
        self.calls = 0
        self.discovery = ServiceDiscovery(folder, self._on_change)

    def follow(self, *names: str, tag: str = "lb") -> None:
        """Follow the services with these names, and those with the tag, "" for none."""
        self.discovery.follow(
            Settings(
                services=tuple(Service(name) for name in names),
                discover=Discover(tag) if tag else None,
                networks=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("127.0.0.0/8")),
                consul=self.consul,
            )
        )
        self.discovery.supervise(time.monotonic())

    @property
    def reported(self) -> dict[str, Sequence[str]]:
        """The endpoints of each service."""
        self.discovery.supervise(time.monotonic())
        self.discovery.read()
        found = (self.discovery.declared, self.discovery.discovered)
        return {
            name: sorted(str(each.endpoint) for each in instances)
            for snapshot in found
            if isinstance(snapshot, Snapshot)
            for name, instances in snapshot.services.items()
        }

    def sees(self, **services: Sequence[str]) -> None:
        """Wait until exactly these endpoints are reported; a number is that of 10.0.0.0/24."""
        wanted = {name: sorted(each) for name, each in services.items()}
        eventually(f"{wanted}", lambda: self.reported == wanted)

    def _on_change(self) -> None:
        self.calls += 1


def at(*numbers: int) -> list[str]:
    """The endpoints of a fake agent's instances."""
    return [f"10.0.0.{number}:80" for number in numbers]
