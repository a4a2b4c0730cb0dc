"""The pages of telling.py over HTTP, on an address and on Unix sockets, in threads of their own."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import pathlib
import socket
import socketserver
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any, Protocol

from . import status_report as telling
from .status_report import Report

_JSON, _TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"


class Source(Protocol):
    """Whom the pages are about; may be asked by any thread."""

    def report(self) -> Report:
        """How things are now."""

    def stub_status(self) -> str | None:
        """nginx's own counters, None where it does not answer."""

    def accept(self, service: str) -> list[str]:
        """Believe Consul about a held service, "" for all; the names that were held."""


class StatusServer:
    """Serves until it is closed. OSError where the address cannot be had."""

    def __init__(
        self, source: Source, address: tuple[str, int] | pathlib.Path, *, control: bool = False
    ) -> None:
        """Listen. Only where `control` is set may anything be asked for besides being told.

        A control socket is its owner's alone.
        """
        handler = type("_Handler", (_Handler,), {"source": source, "control": control})
        if isinstance(address, pathlib.Path):
            address.unlink(missing_ok=True)
            self._server: socketserver.BaseServer = _UnixServer(str(address), handler)
            os.chmod(address, 0o600 if control else 0o666)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            server = type("_Server", (http.server.ThreadingHTTPServer,), {"address_family": family})
            self._server = server(address, handler)
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.2)


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    # A Unix socket with a full queue refuses at once (EAGAIN), where TCP would try again.
    request_queue_size = 64

    def get_request(self) -> tuple[socket.socket, Any]:
        """A Unix socket's peer has no address, and http.server expects one."""
        connection, _address = self.socket.accept()
        return connection, ("local", 0)


class _Handler(http.server.BaseHTTPRequestHandler):
    source: Source
    control: bool
    # A reader that connects and says nothing holds no thread for longer.
    timeout = 10.0

    def do_GET(self) -> None:
        """Answer; http.server finds this by its name."""
        path = self.path.partition("?")[0]
        pages: dict[str, Callable[[Report], dict[str, Any]]] = {
            "/healthz": telling.health,
            "/status": telling.status,
            "/instances": telling.instances,
        }
        if path in pages:
            self._answer(200, _JSON, json.dumps(pages[path](self.source.report())) + "\n")
        elif path == "/metrics":
            text = telling.metrics(self.source.report(), self.source.stub_status())
            self._answer(200, _TEXT, text)
        elif path == "/nginx_status":
            self._answer(200, _TEXT, self.source.stub_status() or "")
        else:
            there = [*pages, "/metrics", "/nginx_status"]
            self._answer(404, _TEXT, f"there is {', '.join(there)}\n")

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """`/accept?service=` of the control socket: believe Consul."""
        parts = urllib.parse.urlsplit(self.path)
        if not self.control or parts.path != "/accept":
            self._answer(405, _TEXT, "only the control socket takes /accept\n")
            return
        [service] = urllib.parse.parse_qs(parts.query).get("service", [""])[:1]
        self._answer(200, _JSON, json.dumps({"accepted": self.source.accept(service)}) + "\n")

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Say nothing: a probe every few seconds is no news."""

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode(errors="replace")
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
