"""HTTP over a Unix socket."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import urllib3
import urllib3.connection
import urllib3.exceptions


def request(socket_path: str, method: str, path: str, timeout: float) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own.

    `timeout` is in seconds, for each step. OSError where no answer comes.
    """
    with contextlib.closing(UnixPool(socket_path, timeout=timeout, retries=False)) as pool:
        try:
            answer = pool.request(method, path, headers={"Connection": "close"})
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
    return answer.status, answer.data


class UnixPool(urllib3.HTTPConnectionPool):
    """Connections to one socket in the file system; `request` takes a path as its URL."""

    def __init__(self, path: str, host: str = "localhost", **options: Any) -> None:
        """Nothing is sent yet; `host` is what the header Host says."""
        super().__init__(host, **options)
        self.ConnectionCls = type("_At", (_UnixConnection,), {"path": path})


class _UnixConnection(urllib3.connection.HTTPConnection):
    path = ""

    def _new_conn(self) -> socket.socket:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if isinstance(self.timeout, (int, float)):
                opened.settimeout(self.timeout)
            opened.connect(self.path)
        except OSError as error:
            opened.close()
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error
        return opened
