"""Containers, services and settings that state what a story is about and default the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registrator.domain.model import Binding, Container, Port, Registered, Service
from registrator.domain.plan import registration
from registrator.domain.services import services_of
from registrator.domain.settings import Settings

HOST = "host-1"
HOST_IP = "10.0.0.1"


def an_id(name: str) -> str:
    """A container identifier of Docker's length that one can tell by its beginning."""
    return name.encode().hex().ljust(64, "0")[:64]


def published(number: int, on: int = 32768, ip: str = "0.0.0.0", protocol: str = "tcp") -> Port:
    """A port that the host publishes."""
    return Port(number, protocol, Binding(ip, on))


def exposed(number: int, protocol: str = "tcp") -> Port:
    """A port that the image exposes and the host does not publish."""
    return Port(number, protocol)


def container(name: str = "web", *ports: Port, image: str = "nginx:1.27", **more: Any) -> Container:
    """A running container; without ports it publishes 80 on 32768."""
    values: dict[str, Any] = {"hostname": "c0ffee", "network_mode": "default", **more}
    return Container(
        id=an_id(name), name=name, image=image, ports=ports or (published(80),), **values
    )


def labelled(*ports: Port, **labels: str) -> Container:
    """A container named web with these labels."""
    return container("web", *ports, labels=labels)


def settings(**changes: Any) -> Settings:
    """The settings of the daemon on host-1."""
    return Settings(**{"registry": "http://127.0.0.1:8500", "hostname": HOST, **changes})


def services(entry: Container, host_ip: str = HOST_IP, **changes: Any) -> list[Service]:
    """The services of a container under these settings."""
    return services_of(entry, settings(**changes), host_ip)[0]


def only(entry: Container, host_ip: str = HOST_IP, **changes: Any) -> Service:
    """The one service of a container under these settings."""
    [service] = services(entry, host_ip, **changes)
    return service


def reasons(entry: Container, host_ip: str = HOST_IP, **changes: Any) -> list[str]:
    """Why ports of a container became no services."""
    return [ignored.reason for ignored in services_of(entry, settings(**changes), host_ip)[1]]


def service(identifier: str = f"{HOST}:web:80", **changes: Any) -> Service:
    """A service as it should be registered."""
    values: dict[str, Any] = {"name": "web", "address": HOST_IP, "port": 32768, **changes}
    return Service(id=identifier, **values)


def reported(body: Mapping[str, Any]) -> Registered:
    """What the agent reports of a body that it was given: everything but the check."""
    return Registered(
        id=body["ID"],
        name=body["Name"],
        address=body["Address"],
        port=body["Port"],
        tags=tuple(body["Tags"]),
        meta=dict(body["Meta"]),
    )


def ours(entry: Service, owner: str = HOST) -> Registered:
    """A service as the agent reports it after `owner`'s daemon registered it."""
    return reported(registration(entry, owner).body)


def upstreams(entry: Service) -> Registered:
    """A service as the upstream daemon left it: without our mark."""
    return dataclasses.replace(ours(entry), meta=dict(entry.meta))


def agent(*entries: Registered) -> dict[str, Registered]:
    """The agent's services by identifier."""
    return {entry.id: entry for entry in entries}


def inspected(name: str = "web", **changes: Any) -> dict[str, Any]:
    """Docker's answer for a running container; `changes` name parts of it.

    `state`, `config`, `host`, `ports` and `networks` are merged into the part they name. There is
    no address at the top level: Engine 29 gives none.
    """
    return {
        "Id": an_id(name),
        "Name": f"/{name}",
        "State": {"Running": True, **changes.get("state", {})},
        "Config": {"Image": "nginx:1.27", "Hostname": "c0ffee", **changes.get("config", {})},
        "HostConfig": {"NetworkMode": "default", **changes.get("host", {})},
        "NetworkSettings": {
            "Ports": changes.get("ports", {}),
            "Networks": changes.get("networks", {}),
        },
    }
