"""An engine in memory behind the Docker SDK's client, and a clock that only waiting moves."""

from __future__ import annotations

import threading
import types
import typing as t

import docker
import docker.errors
import docker.types
import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import Engine

API_VERSION = "1.41"


def refusal(status: int, explanation: str) -> docker.errors.APIError:
    """The SDK's error for an answer of the engine."""
    kind = docker.errors.NotFound if status == 404 else docker.errors.APIError
    response = types.SimpleNamespace(status_code=status, url="/", reason=explanation)
    return kind(explanation, response=response, explanation=explanation)


class FakeApi:
    """As much of docker.APIClient as Engine uses; refuses what a real engine refuses.

    `containers_by_name` holds what inspecting answers, `sent` what creating was asked for, and
    `calls` what was done in order. A method named in `broken` raises what stands there.
    """

    def __init__(self) -> None:
        """An engine without containers and images."""
        self.images: dict[str, str] = {}
        self.containers_by_name: dict[str, dict[str, t.Any]] = {}
        self.sent: dict[str, dict[str, t.Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.messages: list[dict[str, str]] = []
        self.broken: dict[str, Exception] = {}
        self.log = b""
        self._lock = threading.Lock()

    def has(self, name: str, state: str = "running", **more: t.Any) -> dict[str, t.Any]:
        """Put a container in place; `more` are keys of the listing, such as Labels."""
        entry = {
            "Id": f"id-{name}",
            "Names": [f"/{name}"],
            "Image": "sha256:1",
            "State": {
                "Status": state,
                "Running": state in ("running", "restarting", "paused"),
                "Restarting": state == "restarting",
            },
            "NetworkSettings": {},
            **more,
        }
        self.containers_by_name[name] = entry
        return entry

    def containers(self, all: bool = False) -> list[dict[str, t.Any]]:
        self._note("containers", "")
        return [
            {**entry, "ImageID": entry["Image"], "State": entry["State"]["Status"]}
            for entry in self.containers_by_name.values()
            if all or entry["State"]["Running"]
        ]

    def inspect_image(self, reference: str) -> dict[str, str]:
        self._note("inspect_image", reference)
        if reference not in self.images:
            raise refusal(404, f"No such image: {reference}")
        return {"Id": self.images[reference]}

    def pull(self, reference: str, stream: bool, decode: bool) -> t.Iterator[dict[str, str]]:
        self._note("pull", reference)
        yield from self.messages

    def inspect_container(self, name: str) -> dict[str, t.Any]:
        self._note("inspect", name)
        return self._find(name)

    def stop(self, name: str) -> None:
        self._note("stop", name)
        self._set(name, "exited")

    def start(self, name: str) -> None:
        self._note("start", name)
        if self._find(name)["State"]["Status"] == "paused":
            raise refusal(409, "cannot start a paused container, try unpause instead")
        self._set(name, "running")

    def unpause(self, name: str) -> None:
        self._note("unpause", name)
        self._set(name, "running")

    def remove_container(self, name: str) -> None:
        self._note("remove", name)
        entry = self._find(name)
        if entry["State"]["Running"]:
            raise refusal(409, f"You cannot remove a {entry['State']['Status']} container")
        self.containers_by_name = {
            key: value for key, value in self.containers_by_name.items() if value is not entry
        }

    def create_host_config(self, **options: t.Any) -> docker.types.HostConfig:
        return docker.types.HostConfig(version=API_VERSION, **options)

    def create_container(self, name: str, **options: t.Any) -> None:
        self._note("create", name)
        self.sent[name] = docker.types.ContainerConfig(API_VERSION, **options)
        self.has(name, "created", Labels=self.sent[name]["Labels"])

    def logs(self, name: str, tail: int) -> bytes:
        self._note("logs", name)
        return self.log

    def _note(self, what: str, name: str) -> None:
        with self._lock:
            self.calls.append((what, name))
        if what in self.broken:
            raise self.broken[what]

    def _find(self, name: str) -> dict[str, t.Any]:
        for entry in self.containers_by_name.values():
            if name in (entry["Id"], *(alias[1:] for alias in entry["Names"])):
                return entry
        raise refusal(404, f"No such container: {name}")

    def _set(self, name: str, state: str) -> None:
        entry = self._find(name)
        entry["State"] = {"Status": state, "Running": state == "running", "Restarting": False}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The engine's API that every new Engine speaks to."""
    fake = FakeApi()
    monkeypatch.setattr(docker, "APIClient", lambda **_connection: fake)
    return fake


@pytest.fixture
def engine(api: FakeApi) -> Engine:
    """An Engine that speaks to `api`."""
    return Engine("unix:///engine.sock", 5)
