"""Reads from Consul's HTTP API: an answer has the expected form, or there is a ConsulError."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Generic, TypeVar

from rollcall_common.consul_http import Agent, ConsulHttp, Tls, TlsError, Unreachable

from ..settings.model import Consul

T = TypeVar("T")


class ConsulError(Exception):
    """Consul gave no usable answer; the message names the request and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        """The path is without its query."""
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Answer(Generic[T]):
    """A parsed body, its index for the next blocking query, and whether an ACL filtered it."""

    body: T
    index: int
    filtered: bool = False
    content: bytes = dataclasses.field(default=b"", repr=False)


class ConsulClient:
    """The agent of the settings, on one connection, for use by one thread."""

    def __init__(self, consul: Consul, timeout: float) -> None:
        """Connect later; `timeout` is in seconds, for each step of a request."""
        self._agent = Agent(
            f"{consul.scheme}://{consul.address}",
            token_file=consul.token_file,
            tls=Tls(ca_file=consul.ca_file),
        )
        self._timeout = timeout
        self._http: ConsulHttp | None = None

    def get(
        self, path: str, parse: Callable[[bytes], T], last: Answer[T] | None = None
    ) -> Answer[T]:
        """The answer to a GET. ConsulError for any status but 200, and for nonsense.

        `parse` raises ValueError for a body of another form than it expects. A body that equals
        that of the `last` answer is not parsed again.
        """
        try:
            self._http = self._http or ConsulHttp(self._agent, self._timeout)
            found = self._http.request("GET", path)
            if found.status != 200:
                raise ValueError(found.problem)
            same = last is not None and found.content == last.content
            body = last.body if last is not None and same else parse(found.content)
            return Answer(body, found.index, found.filtered, found.content)
        except (Unreachable, TlsError, ValueError) as error:
            raise ConsulError(path.partition("?")[0], str(error)) from error

    def close(self) -> None:
        """Close the connection, if there is one; a request of another thread ends at once."""
        if self._http is not None:
            self._http.close()
