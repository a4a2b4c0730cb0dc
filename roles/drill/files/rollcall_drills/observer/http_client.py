"""An HTTP/1.1 client on h11 that never retries.

A library that silently retries on a stale connection would hide the failures that a drill counts.
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
# This machine has run out of sockets or ports: that is no failure of the server.
_OWN_FAULT = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


class RequestFailed(Exception):
    """There was no complete response; `kind` says why."""

    def __init__(self, kind: Failure, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class UntrustedPeer(RequestFailed):
    """The certificate of the server is not trusted; no request was sent to it."""

    def __init__(self, error: ssl.SSLError) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = error.verify_message
        else:
            reason = error.reason
        super().__init__(Failure.PROTOCOL, reason or str(error))


@dataclasses.dataclass(frozen=True)
class HttpResponse:
    """A complete response; header names are in lower case, the body may be truncated."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A URL resolved: the address to connect to, the Host header, and the path.

    `tls_name` is the name or address that its certificate must contain, None without TLS.
    """

    host: str
    port: int
    authority: str
    path: str
    tls_name: str | None = None

    @classmethod
    def from_url(cls, url: str) -> Endpoint:
        """The endpoint of a URL. Its name is resolved once, now; OSError where that fails.

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
class HttpRequest:
    """A request that can be sent any number of times."""

    head: h11.Request
    body: bytes = b""

    @classmethod
    def build(
        cls,
        method: str,
        authority: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> HttpRequest:
        """The request as h11 sends it."""
        fields = {"Host": authority, "User-Agent": "rollcall-drill", **(headers or {})}
        if body:
            fields |= {"Content-Type": "text/plain", "Content-Length": str(len(body))}
        return cls(h11.Request(method=method, target=path, headers=list(fields.items())), body)


class Connection(asyncio.Protocol):
    """One connection, on which requests are sent one after the other.

    Of a body `body_bytes` are kept; the rest is read and dropped.
    """

    def __init__(self, body_bytes: int = _BODY_BYTES) -> None:
        """Nothing is open yet: the event loop opens the connection."""
        self._body_bytes = body_bytes
        self._http = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None
        self._pending: asyncio.Future[HttpResponse] | None = None
        self._lost: RequestFailed | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: open on both sides, and no request under way."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._http.our_state is h11.IDLE
        )

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The response, or RequestFailed; the connection is closed when the caller gives up."""
        assert self._transport is not None
        if self._lost is not None:
            raise self._lost
        self._pending = asyncio.get_running_loop().create_future()
        data = self._http.send(request.head) or b""
        if request.body:
            data += self._http.send(h11.Data(data=request.body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        self._transport.write(data)
        try:
            return await self._pending
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio: data arrived; without a pending request the connection is closed."""
        if self._pending is None or self._pending.done():
            self.close()
        else:
            self._feed(data, Failure.PROTOCOL)

    def eof_received(self) -> None:
        """asyncio: the server closed the connection, which ends some responses."""
        if self._pending is not None and not self._pending.done():
            self._feed(b"", Failure.CLOSED)
        else:
            # Over TLS asyncio sends close_notify first, and would accept a request meanwhile.
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed."""
        if exc is None:
            self._lost = RequestFailed(Failure.CLOSED, "closed before the response was complete")
        else:
            self._lost = RequestFailed(failure_of(exc), str(exc))
        self._fail(self._lost)

    def _feed(self, data: bytes, protocol_error: Failure) -> None:
        """Parse more of the response; invalid HTTP fails it with `protocol_error`."""
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
            self._fail(RequestFailed(protocol_error, str(error)))

    def _complete(self) -> None:
        assert self._head is not None
        response = HttpResponse(self._head.status_code, dict(self._head.headers), bytes(self._body))
        self._body.clear()
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(response)

    def _fail(self, failure: RequestFailed) -> None:
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(failure)
            self.close()


class ConnectionPool:
    """Connections to one endpoint: `size` of them are kept, and used in turn.

    The first `size` questions open one each. Using the longest idle one first keeps all of them
    in use, so that each reload of a balancer meets connections in every state. A connection that
    the other side closed while it was idle is not used again; one that breaks under a request
    is that request's failure.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        size: int,
        body_bytes: int = _BODY_BYTES,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is opened yet. `trust` has the CAs for an endpoint with a `tls_name`."""
        self._endpoint, self._size, self._body_bytes = endpoint, size, body_bytes
        self._trust = trust if endpoint.tls_name else None
        self._idle: collections.deque[Connection] = collections.deque()
        self._kept: set[Connection] = set()

    async def send(self, request: HttpRequest, *, fresh: bool = False) -> HttpResponse:
        """The response, or RequestFailed; `fresh` opens a connection for this request alone."""
        connection = None if fresh else self._next()
        if connection is None:
            connection = await self._connect()
            if not fresh:
                self._kept.add(connection)
        reuse = False
        try:
            response = await connection.send(request)
            reuse = not fresh and connection.reusable and len(self._kept) <= self._size
        finally:
            if reuse:
                self._idle.append(connection)
            else:
                self._kept.discard(connection)
                connection.close()
        return response

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
                self._endpoint.host,
                self._endpoint.port,
                ssl=self._trust,
                server_hostname=self._endpoint.tls_name,
            )
        except ssl.SSLError as error:
            raise UntrustedPeer(error) from error
        except OSError as error:
            raise RequestFailed(failure_of(error), str(error)) from error
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
