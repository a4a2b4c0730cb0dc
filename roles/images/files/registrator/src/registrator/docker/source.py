"""The Docker Engine as a source of containers and events, through the Docker SDK."""

from __future__ import annotations

import contextlib
import pathlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import docker.errors
import docker.tls

from ..domain.interfaces import SourceError
from ..domain.model import Container
from .inspect import container_from, joined_container, part, text

__all__ = ["DockerSource", "container_from"]

_RELEVANT = {
    *("start", "die", "kill", "pause", "unpause", "rename", "destroy", "update"),
    # Sent when the health status of a container changes, not at every probe.
    "health_status",
}


class DockerSource:
    """One engine. It reconnects after an error: the socket may have been replaced."""

    def __init__(
        self, url: str, timeout: float, *, tls_verify: bool = False, cert_path: str = ""
    ) -> None:
        """Set the engine's URL; nothing is sent yet. `timeout` in seconds.

        With `tls_verify` the connection uses TLS with ca.pem, cert.pem and key.pem in the folder
        `cert_path`, by default ~/.docker.
        """
        self._url = url
        self._timeout = timeout
        self._certificates = pathlib.Path(cert_path or "~/.docker").expanduser()
        self._tls_verify = tls_verify
        self._client: docker.APIClient | None = None
        self._lock = threading.Lock()

    def ids(self) -> list[str]:
        """The identifiers of all running and paused containers; SourceError where unknown."""
        with self._api() as api:
            found = api.containers(filters={"status": ["running", "paused"]})
            return [str(entry["Id"]) for entry in found]

    def inspect(self, container_id: str) -> Container | None:
        """The container as it is now, None where it is gone or not running.

        A container whose network it joined is inspected too. Every failure but "not found" is a
        SourceError.
        """
        with self._api() as api:
            answer = _inspect(api, container_id)
            other = joined_container(answer)
            joined = _inspect(api, other) if other else {}
        return container_from(answer, joined)

    def exit_code(self, container_id: str) -> int | None:
        """The exit code of a container, None where it is gone; SourceError while it runs."""
        with self._api() as api:
            state = part(_inspect(api, container_id), "State")
        if state.get("Running"):
            raise SourceError(f"container {container_id} is still running")
        code = state.get("ExitCode")
        return code if isinstance(code, int) else None

    def events(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Actions, container identifiers and attributes as they happen; SourceError at the end.

        The first item, `subscribed`, says that the subscription is established.
        """
        try:
            stream = self._connect(None).events(decode=True, filters={"type": ["container"]})
            yield ("subscribed", "", {})
            for event in stream:
                action = text(event.get("Action")).partition(":")[0]
                if action in _RELEVANT:
                    actor = part(event, "Actor")
                    yield (action, text(actor.get("ID")), part(actor, "Attributes"))
        except (docker.errors.DockerException, OSError, ValueError) as error:
            raise SourceError(f"Docker's events at {self._url}: {error}") from error
        raise SourceError(f"Docker at {self._url} closed the event stream")

    @contextlib.contextmanager
    def _api(self) -> Iterator[docker.APIClient]:
        """The client, dropped when the connection breaks; every failure is a SourceError."""
        try:
            with self._lock:
                if self._client is None:
                    self._client = self._connect(self._timeout)
                client = self._client
            yield client
        except (docker.errors.DockerException, OSError, ValueError) as error:
            if not isinstance(error, docker.errors.APIError):
                self._client = None
            raise SourceError(f"Docker at {self._url}: {error}") from error

    def _connect(self, timeout: float | None) -> docker.APIClient:
        tls = False
        if self._tls_verify:
            cert, key, authority = (
                str(self._certificates / name) for name in ("cert.pem", "key.pem", "ca.pem")
            )
            tls = docker.tls.TLSConfig(client_cert=(cert, key), ca_cert=authority, verify=True)
        return docker.APIClient(base_url=self._url, version="auto", timeout=timeout, tls=tls)


def _inspect(api: docker.APIClient, identifier: str) -> Mapping[str, Any]:
    """Docker's answer, empty where the container does not exist."""
    try:
        answer: Mapping[str, Any] = api.inspect_container(identifier)
    except docker.errors.NotFound:
        return {}
    return answer
