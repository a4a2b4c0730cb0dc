"""A status page over HTTP, on a TCP address or a Unix socket, in threads of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import os
import pathlib
import socket
import socketserver
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
# What Prometheus' text format is called.
METRICS = "text/plain; version=0.0.4; charset=utf-8"


@dataclasses.dataclass(frozen=True)
class Page:
    """What a request is answered with."""

    body: str
    content_type: str = TEXT
    status: int = 200


# A page, made when it is asked for; its argument are the parameters of the query.
Make = Callable[[Mapping[str, str]], Page]


class StatusServer:
    """Serves pages by their paths until it is closed."""

    def __init__(
        self,
        address: tuple[str, int] | pathlib.Path,
        pages: Mapping[str, Make],
        actions: Mapping[str, Make] | None = None,
        *,
        mode: int = 0o666,
    ) -> None:
        """Listen. OSError where the address cannot be had.

        `pages` answer GET and HEAD, `actions` answer POST. An empty host is every address, IPv6
        and IPv4. `mode` is that of a Unix socket.
        """
        handler = type("_Handler", (_Handler,), {"pages": pages, "actions": actions or {}})
        self._server = _server(address, handler)
        if isinstance(address, pathlib.Path):
            os.chmod(address, mode)
        self.port = 0
        if not isinstance(address, pathlib.Path):
            self.port = int(self._server.socket.getsockname()[1])
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._closed = True
        # Wakes the thread that waits for a connection; serve_forever would look twice a second.
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(2)
        self._server.server_close()

    def _serve(self) -> None:
        while not self._closed:
            self._server.handle_request()


class _Handler(http.server.BaseHTTPRequestHandler):
    pages: Mapping[str, Make]
    actions: Mapping[str, Make]
    # A reader that connects and says nothing holds no thread for longer.
    timeout = 10.0

    def do_GET(self) -> None:
        """Answer with a page; http.server finds this by its name."""
        self._answer(self.pages, Page(f"there is {', '.join(self.pages)}\n", TEXT, 404))

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Do something, where there is anything to be done."""
        allowed = ", ".join(self.actions) or "nothing"
        self._answer(self.actions, Page(f"POST is for {allowed} here\n", TEXT, 405))

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Log nothing: a health check every few seconds is not worth a line."""

    def _answer(self, known: Mapping[str, Make], otherwise: Page) -> None:
        parts = urllib.parse.urlsplit(self.path)
        make = known.get(parts.path)
        page = make(dict(urllib.parse.parse_qsl(parts.query))) if make else otherwise
        body = page.body.encode(errors="replace")
        # A reader that has gone is no error of ours.
        with contextlib.suppress(OSError):
            self.send_response(page.status)
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)


def _server(
    address: tuple[str, int] | pathlib.Path, handler: type[_Handler]
) -> socketserver.TCPServer:
    """A server of the address's own family; one for IPv6 and IPv4 where no host is named."""
    if isinstance(address, pathlib.Path):
        address.unlink(missing_ok=True)
        return _UnixServer(str(address), handler)
    host, port = address
    if host == "" and socket.has_dualstack_ipv6():
        return _DualServer(("::", port), handler)
    family = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0][0]
    server = type("_Server", (http.server.ThreadingHTTPServer,), {"address_family": family})
    opened: http.server.ThreadingHTTPServer = server(address, handler)
    return opened


class _DualServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        """Take IPv4 connections too, whatever the host's default is."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    # A Unix socket with a full queue refuses at once (EAGAIN), where TCP would try again.
    request_queue_size = 64

    def get_request(self) -> tuple[socket.socket, Any]:
        """A Unix socket's peer has no address, and http.server expects one."""
        connection, _address = self.socket.accept()
        return connection, ("local", 0)
