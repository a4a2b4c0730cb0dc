"""Web services on loopback that a story can start, stop and ask what they saw."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@contextlib.contextmanager
def vanished(address: str) -> Iterator[int]:
    """A port whose host seems to be gone: a listener with a full queue answers no further SYN."""
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.socket())
        silent.bind((address, 0))
        silent.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        yield int(silent.getsockname()[1])


class Backend:
    """One instance of a service; its name is what it answers at /."""

    def __init__(self, name: str, address: str = "127.0.0.1", port: int = 0) -> None:
        """Listen at once."""
        self.name = name
        self.address = address
        self.seen: list[tuple[str, str]] = []
        handler = type("_Handler", (_Handler,), {"backend": self})
        self._server = _Server((address, port), handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def place(self) -> str:
        """Address and port."""
        return f"{self.address}:{self.port}"

    def stop(self) -> None:
        """Stop listening and break every connection, as a killed process would."""
        self._server.shutdown()
        self._server.server_close()
        self._server.break_connections()
        self._thread.join(5)

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended in the middle is what these stories are about."""

    def break_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    backend: Backend
    protocol_version = "HTTP/1.1"
    timeout = 75
    wbufsize = -1
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        """Read the request, and keep its path as it was sent: the library merges slashes."""
        if not super().parse_request():
            return False
        self.path = self.raw_requestline.decode("latin-1").split()[1]
        return True

    def do_GET(self) -> None:
        """/ says the name, /headers what came, ?seconds= waits, ?code= fails, /break hangs up.

        /header answers with more header than a proxy's buffer holds.
        """
        self.backend.seen.append((self.command, self.path))
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if self.headers.get("Upgrade") == "websocket":
            self._echo()
            return
        time.sleep(float(query.get("seconds", 0)))
        if parts.path == "/break":
            self.close_connection = True
        elif parts.path == "/header":
            self._answer(200, "", {"X-Long": "a" * 9000})
        elif parts.path.endswith("/headers"):
            self._answer(200, json.dumps(dict(self.headers.items())))
        elif parts.path.endswith("/big"):
            self._answer(200, "a" * 20000)
        else:
            self._answer(int(query.get("code", 200)), f"{self.backend.name} {self.path}")

    def do_POST(self) -> None:
        """Read the body to its end, and answer as to a GET with its length."""
        length = int(self.headers.get("Content-Length") or 0)
        while length > 0:
            length -= len(self.rfile.read(min(length, 65536))) or length
        self.do_GET()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Stay silent."""

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _echo(self) -> None:
        """Shake hands for a WebSocket, then send everything back as it came."""
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accepted = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_header("Sec-WebSocket-Accept", accepted)
        self.end_headers()
        self.wfile.flush()
        while data := self.connection.recv(4096):
            self.connection.sendall(data)
        self.close_connection = True
