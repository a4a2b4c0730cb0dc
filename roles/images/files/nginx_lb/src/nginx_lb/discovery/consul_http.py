"""Consul's HTTP API as far as the balancer reads it: an answer, its headers, one connection."""

from __future__ import annotations

import dataclasses
import gzip
import http.client
import json
import pathlib
import ssl
from typing import Any

from ..settings.model import Consul


class Unanswered(Exception):
    """Consul gave no usable answer; says to what and why."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """A decoded body, its index for the next blocking query, and what Consul says of it.

    `size` is the body's length on the wire, in bytes.
    """

    body: Any
    index: int
    filtered: bool
    size: int


class ConsulClient:
    """One connection to the agent, for one thread; it is made anew when it broke."""

    def __init__(self, place: Consul, timeout: float) -> None:
        """Nothing is sent yet; `timeout` in seconds is for each step of a request."""
        self._place = place
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, timeout: float | None = None) -> Answer:
        """The answer to a GET. Unanswered for anything but 200."""
        try:
            return self._get(path, timeout or self._timeout)
        except (OSError, http.client.HTTPException, ValueError, EOFError) as error:
            self.close()
            what = path.partition("?")[0]
            raise Unanswered(f"{what}: {error or type(error).__name__}") from error

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _get(self, path: str, timeout: float) -> Answer:
        connection = self._connected(timeout)
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", **self._token()})
        answer = connection.getresponse()
        raw = answer.read()
        text = gzip.decompress(raw) if answer.headers.get("Content-Encoding") == "gzip" else raw
        if answer.status != 200:
            raise ValueError(f"{answer.status} {text[:200].decode(errors='replace').strip()}")
        if answer.will_close:
            self.close()
        return Answer(
            json.loads(text),
            int(answer.headers.get("X-Consul-Index") or 0),
            answer.headers.get("X-Consul-Results-Filtered-By-ACLs", "").lower() == "true",
            len(raw),
        )

    def _connected(self, timeout: float) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.timeout = timeout
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection

    def _connect(self) -> http.client.HTTPConnection:
        if self._place.scheme == "https":
            trusted = ssl.create_default_context(cafile=self._place.ca_file or None)
            return http.client.HTTPSConnection(
                self._place.host.strip("[]"), self._place.port, context=trusted
            )
        return http.client.HTTPConnection(self._place.host.strip("[]"), self._place.port)

    def _token(self) -> dict[str, str]:
        """The token as the file has it now: it may have been rotated."""
        if not self._place.token_file:
            return {}
        token = pathlib.Path(self._place.token_file).read_text(encoding="ascii").strip()
        return {"X-Consul-Token": token}
