"""Reads from Consul's HTTP API."""

from __future__ import annotations

import dataclasses
from typing import Any

from rollcall_common.consul_http import Agent, ConsulHttp, Tls, TlsError, Unreachable

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
    """The agent of the settings, for use by one thread."""

    def __init__(self, consul: Consul, timeout: float) -> None:
        """Connect later; `timeout` is in seconds, for each step of a request."""
        self._agent = Agent(
            f"{consul.scheme}://{consul.address}",
            token_file=consul.token_file,
            tls=Tls(ca_file=consul.ca_file),
        )
        self._timeout = timeout
        self._http: ConsulHttp | None = None

    def get(self, path: str) -> Answer:
        """The answer to a GET. ConsulError for any status but 200."""
        try:
            self._http = self._http or ConsulHttp(self._agent, self._timeout)
            answer = self._http.request("GET", path)
            if answer.status != 200:
                raise ValueError(answer.problem)
            return Answer(answer.json(), answer.index, answer.filtered)
        except (Unreachable, TlsError, ValueError) as error:
            raise ConsulError(f"{path.partition('?')[0]}: {error}") from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._http is not None:
            self._http.close()
