"""Serves the status pages over HTTP, on a TCP address or a Unix socket, in background threads."""

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

from . import status_report
from .status_report import Report

_JSON, _TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"


class Source(Protocol):
    """The process that the pages describe; any thread may call it."""

    def report(self) -> Report:
        """The current state."""

    def stub_status(self) -> str | None:
        """The text of nginx's stub_status, None where nginx does not answer."""

    def accept(self, service: str) -> list[str]:
        """Accept the losses of a held service, "" for all; the names of those that were held."""


class StatusServer:
    """Serves until it is closed. OSError where the address is not available."""

    def __init__(
        self, source: Source, address: tuple[str, int] | pathlib.Path, *, control: bool = False
    ) -> None:
        """Listen; with `control` accept commands too, and connections of the owner only."""
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
    # A Unix socket with a full backlog refuses at once (EAGAIN), where TCP would retry.
    request_queue_size = 64

    def get_request(self) -> tuple[socket.socket, Any]:
        """Add a client address: http.server expects one, and a Unix socket has none."""
        connection, _address = self.socket.accept()
        return connection, ("local", 0)


class _Handler(http.server.BaseHTTPRequestHandler):
    source: Source
    control: bool
    # A client that connects and sends nothing occupies a thread no longer than this.
    timeout = 10.0

    def do_GET(self) -> None:
        """Respond to a GET; http.server finds this method by its name."""
        path = self.path.partition("?")[0]
        pages: dict[str, Callable[[Report], dict[str, Any]]] = {
            "/healthz": status_report.health,
            "/status": status_report.status,
            "/instances": status_report.instances,
        }
        if path in pages:
            self._answer(200, _JSON, json.dumps(pages[path](self.source.report())) + "\n")
        elif path == "/metrics":
            text = status_report.metrics(self.source.report(), self.source.stub_status())
            self._answer(200, _TEXT, text)
        elif path == "/nginx_status":
            self._answer(200, _TEXT, self.source.stub_status() or "")
        else:
            paths = [*pages, "/metrics", "/nginx_status"]
            self._answer(404, _TEXT, f"not found; the pages are {', '.join(paths)}\n")

    def do_HEAD(self) -> None:
        """Respond without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """`/accept?service=` on the control socket: accept the losses of held services."""
        parts = urllib.parse.urlsplit(self.path)
        if not self.control or parts.path != "/accept":
            self._answer(405, _TEXT, "only the control socket accepts commands\n")
            return
        [service] = urllib.parse.parse_qs(parts.query).get("service", [""])[:1]
        self._answer(200, _JSON, json.dumps({"accepted": self.source.accept(service)}) + "\n")

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Log nothing: health checks would fill the log."""

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode(errors="replace")
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
