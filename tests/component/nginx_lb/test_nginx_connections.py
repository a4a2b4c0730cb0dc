"""Whom a user's processes are connected to."""

from __future__ import annotations

import os
import socket

from nginx_lb.model import Endpoint
from nginx_lb.nginx.connections import connected


def test_a_user_has_its_own_connections() -> None:
    """As long as they are open, and none where no process is known."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with socket.create_connection((host, port)):
            assert Endpoint(host, port) in connected([os.getpid()])
            assert connected([]) == frozenset()
        assert Endpoint(host, port) not in connected([os.getpid()])
