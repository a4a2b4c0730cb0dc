"""A proxy in front of an engine, and clients of every kind before it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import head
from docker_socket_proxy.engine import Engine
from docker_socket_proxy.proxy import Limits, Proxy, listen

from .fake_engine import FakeEngine


class Stage:
    """One proxy, served by a thread of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Nothing runs yet."""
        self.engine = FakeEngine(folder / "engine.sock")
        self.path = folder / "proxy.sock"
        self.log: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._unforeseen: list[Any] = []
        self._loop.set_exception_handler(lambda _loop, about: self._unforeseen.append(about))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._proxy: Proxy | None = None
        self._server: asyncio.Server | None = None

    def open(self) -> None:
        """Start the engine, and a proxy with the image's own limits."""
        self.engine.start()
        self._thread.start()
        self.limited()

    def limited(self, engine_seconds: float = 5.0, **limits: Any) -> None:
        """Serve with other limits than the image's."""
        self._in_loop(self._serve(engine_seconds, Limits(**limits)))

    def close(self) -> None:
        """Stop everything."""
        if self._thread.is_alive():
            self._in_loop(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        self._loop.close()
        self.engine.stop()
        assert self._unforeseen == []

    @contextlib.contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """A client that writes its own bytes."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.connect(str(self.path))
            yield client

    def send(self, *parts: bytes) -> bytes:
        """What comes back for these bytes until the proxy closes the connection."""
        with self.connected() as client:
            with contextlib.suppress(BrokenPipeError):
                for part in parts:
                    client.sendall(part)
            return rest(client)

    def ask(self, line: str, *headers: str) -> tuple[int, Any]:
        """Status and body of one request; JSON is read."""
        status, body = split(self.send(head(line, *headers, "Connection: close")))
        with contextlib.suppress(ValueError):
            return status, json.loads(body)
        return status, body

    def _in_loop(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, engine_seconds: float, limits: Limits) -> None:
        await self._end()
        engine = Engine(str(self.engine.path), engine_seconds)
        self._proxy = Proxy(engine, limits, self.log.append)
        own = listen(str(self.path), 0o600)
        self._server = await asyncio.start_unix_server(self._proxy.serve_client, sock=own)

    async def _end(self) -> None:
        if self._server and self._proxy:
            self._server.close()
            await self._proxy.close()


def rest(client: socket.socket) -> bytes:
    """What comes until the connection ends."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            found += data
    return found


def split(answer: bytes) -> tuple[int, bytes]:
    """Status and body."""
    first, _end, body = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 "), answer
    return int(first[9:12]), body


def one(client: socket.socket) -> tuple[int, bytes]:
    """One answer of a known length, on a connection that stays."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(1)
    length = int(received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += client.recv(length - len(body))
    return int(received[9:12]), body


def sees(what: str, condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)
