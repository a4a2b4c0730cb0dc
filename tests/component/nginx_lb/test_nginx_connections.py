"""Whom a process is connected to."""

from __future__ import annotations

import os
import socket

from nginx_lb.model import Endpoint
from nginx_lb.nginx.connections import connected


def test_a_process_has_its_own_connections() -> None:
    """Of this one, and not of another one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with socket.create_connection((host, port)):
            assert Endpoint(host, port) in connected([os.getpid()])
            assert Endpoint(host, port) not in connected([1])
        assert Endpoint(host, port) not in connected([os.getpid()])
