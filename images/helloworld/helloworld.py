"""The article's web service: says which host and container answered, and whom it saw."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Docker kills what has not ended 10 s after its SIGTERM.
LONGEST_GRACE_SECONDS = 8.0


class Handler(BaseHTTPRequestHandler):
    """Answers every path; `/health` is for checks."""

    protocol_version = "HTTP/1.1"
    # An idle keep-alive connection must outlive the balancer's: it closes after 60 s.
    timeout = 75
    # Head and body leave in one segment.
    wbufsize = -1
    disable_nagle_algorithm = True
    host = os.environ.get("MY_HOST") or socket.gethostname()
    draining = threading.Event()
    # When a user was last answered, by the monotonic clock.
    answered = 0.0

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path == "/health":
            self._answer("ok\n")
            return
        Handler.answered = time.monotonic()
        own = self.connection.getsockname()[0]
        peer, port = self.client_address[:2]
        self._answer(
            f"Hello World! I'm {self.host} addr:{own}. I saw that you are {peer}:{port}.\n"
        )

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Read the body and answer as to a GET."""
        length = int(self.headers.get("Content-Length") or 0)
        while length > 0:
            length -= len(self.rfile.read(min(length, 65536))) or length
        self.do_GET()

    def _answer(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.draining.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the balancer keeps the access log."""


class Server(ThreadingHTTPServer):
    """A thread for each connection, and a backlog for bursts."""

    request_queue_size = 512
    daemon_threads = True


def serve(port: int, grace: float) -> None:
    """Serve until SIGTERM, and on until no user came for `grace` seconds.

    A balancer that looks away late, on a busy machine or by an old answer of the DNS, still finds
    a server.
    """
    server = Server(("", port), Handler)

    def drain() -> None:
        told = time.monotonic()
        deadline = told + LONGEST_GRACE_SECONDS
        while (quiet := min(deadline, max(told, Handler.answered) + grace)) > time.monotonic():
            time.sleep(max(0.0, quiet - time.monotonic()))
        server.shutdown()

    def stop(*_: object) -> None:
        Handler.draining.set()
        threading.Thread(target=drain).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # In the main thread, which wakes often: Python runs a signal's handler nowhere else, and one
    # that comes right before the thread blocks for good would wait as long.
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    serve(int(os.environ.get("PORT", "80")), float(os.environ.get("HELLOWORLD_GRACE", "1.0")))
