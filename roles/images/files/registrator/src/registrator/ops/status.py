"""An HTTP server for read-only status pages, in a background thread."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

TEXT = "text/plain; charset=utf-8"
# The status, the body and its content type.
Page = tuple[int, str, str]
Pages = Mapping[str, Callable[[], Page]]


class StatusServer:
    """Serves the pages by path until it is closed. OSError where it cannot listen."""

    def __init__(self, address: tuple[str, int], pages: Pages) -> None:
        """Listen; an empty host means every address, IPv6 and IPv4."""
        handler = type("_Handler", (_Handler,), {"pages": pages})
        self._server = _server(address, handler)
        self.port = int(self._server.server_address[1])
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._closed = True
        # Wakes the thread that waits for a connection; serve_forever would poll twice a second.
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(1)
        self._server.server_close()

    def _serve(self) -> None:
        while not self._closed:
            self._server.handle_request()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD; every other path is not found."""

    pages: Pages
    # A client that connects and sends nothing does not hold a thread for longer.
    timeout = 10.0

    def do_GET(self) -> None:
        """Answer; the name is fixed by http.server."""
        page = self.pages.get(self.path.partition("?")[0], self._not_found)
        self._answer(*page())

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Log nothing: a probe every few seconds would fill the log."""

    def _not_found(self) -> Page:
        return 404, f"not found, there is {' and '.join(self.pages)}\n", TEXT

    def _answer(self, status: int, text: str, content_type: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _server(address: tuple[str, int], handler: type[_Handler]) -> http.server.ThreadingHTTPServer:
    """A server of the address's family; one for both families where the host is empty."""
    host, port = address
    if host == "" and socket.has_dualstack_ipv6():
        return _DualServer(("::", port), handler)
    family = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0][0]
    server = type("_Server", (http.server.ThreadingHTTPServer,), {"address_family": family})
    opened: http.server.ThreadingHTTPServer = server(address, handler)
    return opened


class _DualServer(http.server.ThreadingHTTPServer):
    """IPv6 and IPv4 on one socket."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        """Accept IPv4 connections too, whatever the host's default is."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()
