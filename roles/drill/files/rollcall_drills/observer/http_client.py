"""HTTP/1.1 as a naive client speaks it: h11 for the grammar, one transport, never a retry.

A library that quietly asks again after a stale connection would hide the very failures that a
drill counts.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import errno
import socket
import ssl
import urllib.parse
from collections.abc import Mapping

import h11

from ..history.records import Failure

# More than any page that names its instance.
_BODY_BYTES = 65_536
# This machine has run out of sockets or ports: that is no failure of the other side.
_OWN_FAULT = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


class NoAnswer(Exception):
    """There was no full answer; `kind` says how it ended."""

    def __init__(self, kind: Failure, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Untrusted(NoAnswer):
    """The other side did not prove who it is; nothing was sent to it."""

    def __init__(self, error: ssl.SSLError) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            said = error.verify_message
        else:
            said = error.reason
        super().__init__(Failure.PROTOCOL, said or str(error))


@dataclasses.dataclass(frozen=True)
class Answer:
    """A full answer; header names are in lower case, the body may be cut."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a URL leads: an address to connect to, the Host header, and the path.

    `bearer` is the name or address that its certificate must bear, None where it speaks no TLS.
    """

    host: str
    port: int
    authority: str
    path: str
    bearer: str | None = None

    @classmethod
    def of(cls, url: str) -> Place:
        """The place of a URL. Its name is resolved now and never again; OSError where it has none.

        Of several addresses the first that accepts a connection is taken, else the first.
        """
        parts = urllib.parse.urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(f"{parts.hostname} has no address: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        several = addresses if len(set(addresses)) > 1 else []
        chosen = next((host for host in several if _accepts(host, port)), addresses[0])
        return cls(chosen, port, parts.netloc, path, parts.hostname if secure else None)


@dataclasses.dataclass(frozen=True)
class Question:
    """A request ready to be sent, as often as one likes."""

    head: h11.Request
    body: bytes = b""

    @classmethod
    def of(
        cls,
        method: str,
        authority: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Question:
        """The question in the grammar's own form."""
        fields = {"Host": authority, "User-Agent": "rollcall-drill", **(headers or {})}
        if body:
            fields |= {"Content-Type": "text/plain", "Content-Length": str(len(body))}
        return cls(h11.Request(method=method, target=path, headers=list(fields.items())), body)


class Connection(asyncio.Protocol):
    """One connection, on which one question after the other is asked.

    Of a body `body_bytes` are kept; the rest is read and dropped.
    """

    def __init__(self, body_bytes: int = _BODY_BYTES) -> None:
        """Nothing is open yet: the event loop makes the connection."""
        self._body_bytes = body_bytes
        self._http = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._lost: NoAnswer | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()

    @property
    def reusable(self) -> bool:
        """Whether another question may be asked: open on both sides, and nothing under way."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._http.our_state is h11.IDLE
        )

    async def ask(self, question: Question) -> Answer:
        """The answer, or NoAnswer; the connection is closed when the caller gives up."""
        assert self._transport is not None
        if self._lost is not None:
            raise self._lost
        self._waiting = asyncio.get_running_loop().create_future()
        data = self._http.send(question.head) or b""
        if question.body:
            data += self._http.send(h11.Data(data=question.body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        self._transport.write(data)
        try:
            return await self._waiting
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio: something came; what nobody asked for is a reason to close."""
        if self._waiting is None or self._waiting.done():
            self.close()
        else:
            self._take(data, Failure.PROTOCOL)

    def eof_received(self) -> None:
        """asyncio: the other side closed, which some answers end with."""
        if self._waiting is not None and not self._waiting.done():
            self._take(b"", Failure.CLOSED)
        else:
            # Over TLS asyncio says good-bye first, and would still take a question meanwhile.
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is gone."""
        if exc is None:
            self._lost = NoAnswer(Failure.CLOSED, "closed before the answer was complete")
        else:
            self._lost = NoAnswer(failure_of(exc), str(exc))
        self._fail(self._lost)

    def _take(self, data: bytes, mistake: Failure) -> None:
        """Read on in the answer; a sentence that does not fit is a `mistake`."""
        try:
            self._http.receive_data(data)
            while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data[: self._body_bytes - len(self._body)]
                elif isinstance(event, h11.EndOfMessage):
                    self._complete()
                    return
                elif isinstance(event, h11.ConnectionClosed):
                    return
        except h11.RemoteProtocolError as error:
            self._fail(NoAnswer(mistake, str(error)))

    def _complete(self) -> None:
        assert self._head is not None
        answer = Answer(self._head.status_code, dict(self._head.headers), bytes(self._body))
        self._body.clear()
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def _fail(self, no_answer: NoAnswer) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(no_answer)
            self.close()


class Pool:
    """Connections to one place: `size` of them are kept, and used in turn.

    The first `size` questions open one each. Using the longest idle one first keeps all of them
    in use, so that each reload of a balancer meets connections in every state. A connection that
    the other side closed while it was idle is not used again; one that breaks under a question
    is that question's failure.
    """

    def __init__(
        self,
        place: Place,
        size: int,
        body_bytes: int = _BODY_BYTES,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is opened yet. Whom a place with a `bearer` must be signed by says `trust`."""
        self._place, self._size, self._body_bytes = place, size, body_bytes
        self._trust = trust if place.bearer else None
        self._idle: collections.deque[Connection] = collections.deque()
        self._kept: set[Connection] = set()

    async def ask(self, question: Question, *, fresh: bool = False) -> Answer:
        """The answer, or NoAnswer; `fresh` opens a connection for this question alone."""
        connection = None if fresh else self._next()
        if connection is None:
            connection = await self._connect()
            if not fresh:
                self._kept.add(connection)
        again = False
        try:
            answer = await connection.ask(question)
            again = not fresh and connection.reusable and len(self._kept) <= self._size
        finally:
            if again:
                self._idle.append(connection)
            else:
                self._kept.discard(connection)
                connection.close()
        return answer

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def _next(self) -> Connection | None:
        """The kept connection whose turn it is, None where a new one is due."""
        for connection in [idle for idle in self._idle if not idle.reusable]:
            self._idle.remove(connection)
            self._kept.discard(connection)
        if len(self._kept) < self._size or not self._idle:
            return None
        return self._idle.popleft()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            _transport, connection = await loop.create_connection(
                lambda: Connection(self._body_bytes),
                self._place.host,
                self._place.port,
                ssl=self._trust,
                server_hostname=self._place.bearer,
            )
        except ssl.SSLError as error:
            raise Untrusted(error) from error
        except OSError as error:
            raise NoAnswer(failure_of(error), str(error)) from error
        return connection


def failure_of(error: BaseException) -> Failure:
    """The kind of failure that an error of the system is."""
    if isinstance(error, ssl.SSLError):
        return Failure.PROTOCOL
    if isinstance(error, ConnectionRefusedError):
        return Failure.REFUSED
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return Failure.RESET
    if isinstance(error, TimeoutError):
        return Failure.TIMEOUT
    if isinstance(error, OSError) and error.errno in _OWN_FAULT:
        return Failure.LATE
    return Failure.UNREACHABLE


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
