"""HTTP clients: one request, and load whose failures are kept, none of them tried again."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import os
import socket
import ssl
import threading
import time

from rollcall_agents.polling import eventually


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer; its headers are found whatever their case."""

    status: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def name(self) -> str:
        """The first word, a backend's name; the status where there is none."""
        return (self.text.split() or [str(self.status)])[0]


def ask(
    address: str,
    port: int,
    path: str,
    *,
    host: str = "",
    method: str = "GET",
    body: str | None = None,
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """One request on a fresh connection. OSError where nobody answers.

    With TLS, the host is the one whose certificate is asked for.
    """
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        if tls:
            connection.sock = secured(address, port, host, tls)
        named = {"Host": host} if host else {}
        connection.request(method, path, body=body, headers={**named, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, text, answer.headers)
    finally:
        connection.close()


def trusting(ciphers: str = "", protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A client that takes any certificate, offers these ciphers of TLS 1.2, and these protocols."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def secured(address: str, port: int, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection after its handshake, for a host. OSError where that fails."""
    plain = socket.create_connection((address, port), 10)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


class WebSocket:
    """An upgraded connection to /ws, where everything is sent back."""

    def __init__(self, address: str, port: int) -> None:
        """Shake hands. AssertionError where the server does not."""
        self._connection = socket.create_connection((address, port), 10)
        key = base64.b64encode(os.urandom(16)).decode()
        self._connection.sendall(
            f"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = self._connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 "), answer

    def echo(self, word: str) -> str:
        """What comes back, "" where the connection was closed."""
        try:
            self._connection.sendall(word.encode())
            return self._connection.recv(4096).decode()
        except ConnectionError:
            return ""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclasses.dataclass(frozen=True)
class Sample:
    """One request: when it was meant to be sent, how long its answer took, and what it was."""

    at: float
    seconds: float
    kind: str
    outcome: str


# The errors of a connection that was closed before any byte of an answer came.
_CLOSED = ("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError")


class Load:
    """`clients` threads that together send `rate` requests a second, a fifth of them POST.

    Every other client keeps its connection. Latency counts from the intended time of sending. With
    `reopens`, a client whose kept connection was closed while it was idle sends a GET again on a
    new one, as HTTP clients do (RFC 9112, section 9.3.1), and sends POST on new ones only.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        rate: float = 100,
        clients: int = 8,
        reopens: bool = False,
    ) -> None:
        """Begin at once."""
        self._place = address, port
        self._reopens = reopens
        self._stop = threading.Event()
        self.samples: list[Sample] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(number, clients / rate), daemon=True)
            for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    def without_a_pause(cls, address: str, port: int, *, reopens: bool = False) -> Load:
        """More than four clients can ask."""
        return cls(address, port, rate=4000, clients=4, reopens=reopens)

    def reaches(self, count: int) -> None:
        """Wait until so many requests have come to an end."""
        eventually(f"{count} requests", lambda: len(self.samples) >= count)

    def end(self) -> list[Sample]:
        """Stop and return every request."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        return self.samples

    def _ask(self, number: int, pause: float) -> None:
        keeps = number % 2 == 0
        kind = "kept" if keeps else "fresh"
        connection = http.client.HTTPConnection(*self._place, timeout=5)
        intended = time.monotonic() + pause * number / 8
        count = 0
        while not self._stop.is_set():
            if (ahead := intended - time.monotonic()) > 0:
                time.sleep(ahead)
            count += 1
            posts = count % 5 == 0
            if posts and self._reopens:
                connection.close()
            reused = connection.sock is not None
            outcome = self._outcome(connection, posts=posts)
            if reused and self._reopens and outcome.startswith(_CLOSED):
                outcome = self._outcome(connection, posts=posts)
            took = time.monotonic() - intended
            self.samples.append(
                Sample(intended, took, f"{kind} {'POST' if posts else 'GET'}", outcome)
            )
            if not keeps:
                connection.close()
            intended += pause
        connection.close()

    def _outcome(self, connection: http.client.HTTPConnection, *, posts: bool) -> str:
        """The status of one request, or its error, after which the connection is closed."""
        try:
            connection.request("POST" if posts else "GET", "/", body="x" * 512 if posts else None)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return repr(error)
        return str(answer.status)


def failures(samples: list[Sample]) -> list[Sample]:
    """The requests that were not answered with 200."""
    return [sample for sample in samples if sample.outcome != "200"]


def p99(samples: list[Sample]) -> float:
    """Seconds that one of a hundred requests took longer than."""
    ordered = sorted(sample.seconds for sample in samples)
    return ordered[int(len(ordered) * 0.99)]
