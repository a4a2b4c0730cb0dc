"""Reads from Consul's HTTP API over one persistent connection."""

from __future__ import annotations

import dataclasses
import gzip
import http.client
import json
import pathlib
import ssl
from typing import Any

from ..settings.model import Consul


class ConsulError(Exception):
    """Consul gave no usable answer; the message names the request and the reason."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """A decoded body, its index for the next blocking query, and whether an ACL filtered it."""

    body: Any
    index: int
    filtered: bool


class ConsulClient:
    """One connection to the agent, for one thread; reopened after an error."""

    def __init__(self, consul: Consul, timeout: float) -> None:
        """Connect later; `timeout` is in seconds, for each step of a request."""
        self._consul = consul
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, timeout: float | None = None) -> Answer:
        """The answer to a GET. ConsulError for any status but 200."""
        try:
            return self._get(path, timeout or self._timeout)
        except (OSError, http.client.HTTPException, ValueError, EOFError) as error:
            self.close()
            what = path.partition("?")[0]
            raise ConsulError(f"{what}: {error or type(error).__name__}") from error

    def close(self) -> None:
        """Close the connection, if there is one."""
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
        )

    def _connected(self, timeout: float) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.timeout = timeout
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection

    def _connect(self) -> http.client.HTTPConnection:
        if self._consul.scheme == "https":
            trusted = ssl.create_default_context(cafile=self._consul.ca_file or None)
            return http.client.HTTPSConnection(
                self._consul.host.strip("[]"), self._consul.port, context=trusted
            )
        return http.client.HTTPConnection(self._consul.host.strip("[]"), self._consul.port)

    def _token(self) -> dict[str, str]:
        """The token, read again for each request: it may have been rotated."""
        if not self._consul.token_file:
            return {}
        token = pathlib.Path(self._consul.token_file).read_text(encoding="ascii").strip()
        return {"X-Consul-Token": token}
