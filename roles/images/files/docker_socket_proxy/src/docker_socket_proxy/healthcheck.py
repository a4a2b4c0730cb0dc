"""The image's HEALTHCHECK: /_ping through the proxy's own socket.

Imports next to nothing: a container engine runs this every few seconds.
"""

from __future__ import annotations

import socket

_SECONDS = 2.5


def problem(path: str, seconds: float = _SECONDS) -> str:
    """Why no engine answers through the proxy at this socket, empty where one does."""
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(path)
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            while data := connection.recv(4096):
                answer += data
    except OSError as error:
        return f"{path}: {error}"
    if answer.startswith(b"HTTP/1.1 200 "):
        return ""
    return answer.partition(b"\r\n\r\n")[2].decode(errors="replace") or "no answer"
