"""An engine at a socket in a folder, that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socket
import threading
from typing import Any

from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import (
    WEB,
    described,
)

_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(value: Any, status: str = "200 OK") -> bytes:
    """A whole answer, with headers that are nobody's business."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nServer: Docker/s3cret\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class FakeEngine:
    """Answers by path, without version and query; a connection to /events stays open."""

    def __init__(self, path: pathlib.Path) -> None:
        """An engine with one container, that nobody can reach yet."""
        self.path = path
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.answers: dict[str, bytes] = {
            "/_ping": answer(b"OK"),
            "/version": answer(
                {"ApiVersion": "1.44", "Version": "26.1", "KernelVersion": "s3cret"}
            ),
            "/containers/json": answer([{"Id": WEB, "Command": "s3cret"}]),
            f"/containers/{WEB}/json": answer(described()),
        }
        self.silent = False
        # Of these the rest is yet to come.
        self.endless: set[str] = set()
        self.listening = threading.Event()
        self.left = threading.Event()
        self._streams: list[socket.socket] = []
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._server: socket.socket | None = None

    def start(self) -> None:
        """Be there, on a new socket."""
        self.path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self.path))
        self._server.listen(64)
        self._run(self._accept, self._server)

    def stop(self) -> None:
        """Be gone, with all connections."""
        server, self._server = self._server, None
        for connection in [*([server] if server else []), *self._connections]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for connection in [*([server] if server else []), *self._connections]:
            connection.close()
        self._connections, self._streams, self._threads = [], [], []

    def tell(self, *events: Any) -> None:
        """Have something happen: a line for each event, all of them in one part of the stream."""
        lines = (
            event if isinstance(event, bytes) else json.dumps(event).encode() for event in events
        )
        self.stream(b"".join(line + b"\n" for line in lines))

    def stream(self, data: bytes) -> None:
        """Send a part of the stream."""
        assert self.listening.wait(5)
        for stream in self._streams:
            stream.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        """End the stream as HTTP does."""
        assert self.listening.wait(5)
        for stream in self._streams:
            stream.sendall(b"0\r\n\r\n")

    def _run(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = server.accept()
                self._connections.append(connection)
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            received = b""
            while not received.endswith(b"\r\n\r\n"):
                piece = connection.recv(65536)
                if not piece:
                    return
                received += piece
            self.heads.append(received)
            method, target = received.decode().split(" ")[:2]
            self.asked.append(f"{method} {target}")
            path = target.partition("?")[0]
            if path.startswith("/v1."):
                path = path[path.index("/", 1) :]
            if self.silent:
                pass
            elif path in self.answers:
                connection.sendall(self.answers[path])
                if path not in self.endless:
                    connection.shutdown(socket.SHUT_WR)
            elif path == "/events":
                connection.sendall(_STREAM)
                self._streams.append(connection)
                self.listening.set()
            else:
                connection.sendall(answer({"message": "No such container"}, "404 Not Found"))
            # One that is broken off counts as left, too.
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(65536):
                    pass
            self.left.set()
