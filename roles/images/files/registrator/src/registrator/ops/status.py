"""/metrics and /healthz, served by a thread of its own."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from typing import Any

from .metrics import Metrics


class StatusServer:
    """Serves until it is closed. OSError where the address cannot be had."""

    def __init__(self, address: tuple[str, int], metrics: Metrics) -> None:
        """Listen; an empty host is every address, IPv6 and IPv4."""
        handler = type("_Handler", (_Handler,), {"metrics": metrics})
        self._server = _server(address, handler)
        self.port = int(self._server.server_address[1])
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._closed = True
        # Wakes the thread that waits for a connection; serve_forever would look twice a second.
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(1)
        self._server.server_close()

    def _serve(self) -> None:
        while not self._closed:
            self._server.handle_request()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Two pages; everything else is not found."""

    metrics: Metrics
    # A reader that connects and says nothing holds no thread for longer.
    timeout = 10.0

    def do_GET(self) -> None:
        """Answer; http.server finds this by its name."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, self.metrics.render(), "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/healthz":
            health = self.metrics.health()
            self._answer(200 if health.good else 503, f"{health.sentence}\n")
        else:
            self._answer(404, "there is /metrics and /healthz\n")

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Say nothing: a probe every few seconds is no news."""

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _server(address: tuple[str, int], handler: type[_Handler]) -> http.server.ThreadingHTTPServer:
    """A server of the address's own family; one for both where no host is named."""
    host, port = address
    if host == "" and socket.has_dualstack_ipv6():
        return _DualServer(("::", port), handler)
    family = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0][0]
    server = type("_Server", (http.server.ThreadingHTTPServer,), {"address_family": family})
    opened: http.server.ThreadingHTTPServer = server(address, handler)
    return opened


class _DualServer(http.server.ThreadingHTTPServer):
    """IPv6 and IPv4 through one socket."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        """Take IPv4 connections too, whatever the host's default is."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()
