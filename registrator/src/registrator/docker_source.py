"""The Docker Engine as a source of containers and of nudges, through the Docker SDK."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import docker.errors

from .model import Binding, Container, Port
from .ports import SourceError

log = logging.getLogger("registrator")
_RELEVANT = {"start", "die", "kill", "pause", "unpause", "rename", "destroy", "update"}


class DockerSource:
    """One engine. The connection is made anew after an error: the socket may have been replaced."""

    def __init__(self, url: str, timeout: float) -> None:
        """Remember where the engine is; nothing is sent yet. `timeout` in seconds."""
        self._url = url
        self._timeout = timeout
        self._client: docker.APIClient | None = None

    def running(self) -> list[Container]:
        """Every running container; SourceError unless all of them could be read."""
        try:
            api = self._api()
            entries = api.containers(filters={"status": "running"})
            found = [self._inspect(api, entry["Id"]) for entry in entries]
        except (docker.errors.DockerException, OSError) as error:
            self._client = None
            raise SourceError(f"Docker at {self._url}: {error}") from error
        return [container for container in found if container is not None]

    def events(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Actions, container identifiers and attributes as they happen; SourceError at the end.

        The subscription stands when the first item, an empty one, has been given.
        """
        try:
            api = docker.APIClient(base_url=self._url, version="auto", timeout=None)
            stream = api.events(decode=True, filters={"type": ["container"]})
            yield ("subscribed", "", {})
            for event in stream:
                action = str(event.get("Action", "")).partition(":")[0]
                if action in _RELEVANT:
                    actor = event.get("Actor") or {}
                    yield (action, actor.get("ID", ""), actor.get("Attributes") or {})
        except (docker.errors.DockerException, OSError) as error:
            raise SourceError(f"Docker's events at {self._url}: {error}") from error
        raise SourceError(f"Docker at {self._url} closed the event stream")

    def _api(self) -> docker.APIClient:
        if self._client is None:
            self._client = docker.APIClient(
                base_url=self._url, version="auto", timeout=self._timeout
            )
        return self._client

    def _inspect(self, api: docker.APIClient, identifier: str) -> Container | None:
        """The container, None when it went away since it was listed: only that means gone."""
        try:
            return container_from(api.inspect_container(identifier))
        except docker.errors.NotFound:
            return None


def container_from(found: Mapping[str, Any]) -> Container | None:
    """Project Docker's answer to what we need; None for a container that no longer runs.

    Works for every API since 1.24: addresses are read from the networks, never from the top level.
    """
    if not found["State"].get("Running"):
        return None
    config, settings = found["Config"], found["NetworkSettings"]
    return Container(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        image=config.get("Image", ""),
        hostname=config.get("Hostname", ""),
        network_mode=found["HostConfig"].get("NetworkMode", "default"),
        env=tuple(config.get("Env") or ()),
        labels=config.get("Labels") or {},
        ports=_ports(config.get("ExposedPorts") or {}, settings.get("Ports") or {}, found),
        networks={name: _addresses(net) for name, net in (settings.get("Networks") or {}).items()},
        stop_signal=config.get("StopSignal") or "SIGTERM",
        stop_timeout=float(config.get("StopTimeout") or 10),
    )


def _ports(
    exposed: Mapping[str, Any], published: Mapping[str, Any], found: Mapping[str, Any]
) -> tuple[Port, ...]:
    """Exposed and published ports; on the host's network an exposed port is its own host port."""
    on_host = found["HostConfig"].get("NetworkMode") == "host"
    ports = []
    for key in sorted({*exposed, *published}, key=_order):
        number, _slash, protocol = key.partition("/")
        bindings = published.get(key) or []
        binding = None
        if bindings and bindings[0].get("HostPort"):
            binding = Binding(bindings[0].get("HostIp", ""), int(bindings[0]["HostPort"]))
        elif on_host:
            binding = Binding("0.0.0.0", int(number))
        ports.append(Port(int(number), protocol or "tcp", binding))
    return tuple(ports)


def _order(key: str) -> tuple[int, str]:
    number, _slash, protocol = key.partition("/")
    return int(number), protocol


def _addresses(network: Mapping[str, Any]) -> tuple[str, ...]:
    found = (network.get("IPAddress"), network.get("GlobalIPv6Address"))
    return tuple(address for address in found if address)
