"""The Docker Engine as a source of containers and of nudges, through the Docker SDK."""

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
from .inspect import container_from, joins, part, text

__all__ = ["DockerSource", "container_from"]

_RELEVANT = {
    *("start", "die", "kill", "pause", "unpause", "rename", "destroy", "update"),
    # Comes when Docker's word for a container's health changes, not at every probe.
    "health_status",
}


class DockerSource:
    """One engine. The connection is made anew after an error: the socket may have been replaced."""

    def __init__(
        self, url: str, timeout: float, *, tls_verify: bool = False, cert_path: str = ""
    ) -> None:
        """Remember where the engine is; nothing is sent yet. `timeout` in seconds.

        With `tls_verify` the engine is spoken to over TLS with ca.pem, cert.pem and key.pem of
        the folder `cert_path`, which is ~/.docker unless it is said.
        """
        self._url = url
        self._timeout = timeout
        self._certificates = pathlib.Path(cert_path or "~/.docker").expanduser()
        self._tls_verify = tls_verify
        self._client: docker.APIClient | None = None
        self._lock = threading.Lock()

    def ids(self) -> list[str]:
        """The identifiers of all that run, paused ones too; SourceError where it is not known."""
        with self._asking() as api:
            found = api.containers(filters={"status": ["running", "paused"]})
            return [str(entry["Id"]) for entry in found]

    def inspect(self, container_id: str) -> Container | None:
        """The container as it is now, None where it is gone or does not run.

        The container whose network it joined is read with it. Every failure but "not found" is a
        SourceError.
        """
        with self._asking() as api:
            answer = _inspect(api, container_id)
            other = joins(answer)
            joined = _inspect(api, other) if other else {}
        return container_from(answer, joined)

    def exit_code(self, container_id: str) -> int | None:
        """The code a container ended with, None where it is gone; SourceError while it runs."""
        with self._asking() as api:
            state = part(_inspect(api, container_id), "State")
        if state.get("Running"):
            raise SourceError(f"container {container_id} still runs")
        code = state.get("ExitCode")
        return code if isinstance(code, int) else None

    def events(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Actions, container identifiers and attributes as they happen; SourceError at the end.

        The subscription stands when the first item, an empty one, has been given.
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
    def _asking(self) -> Iterator[docker.APIClient]:
        """The connection, given up when it breaks; whatever goes wrong is a SourceError."""
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
    """Docker's answer, empty where there is no such container: only that means gone."""
    try:
        answer: Mapping[str, Any] = api.inspect_container(identifier)
    except docker.errors.NotFound:
        return {}
    return answer
