"""The balancer's own status pages, on a socket that nginx and health checks ask."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
from unittest import mock

import pytest
from nginx_lb.status.status_server import StatusServer


def test_many_may_ask_at_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is busy elsewhere makes them wait; none is refused (EAGAIN)."""
    idle, serve = threading.Event(), StatusServer._serve
    monkeypatch.setattr(StatusServer, "_serve", lambda server: idle.wait() and serve(server))
    server = StatusServer(mock.Mock(), tmp_path / "status.sock")
    with contextlib.ExitStack() as stack:
        stack.callback(server.close)
        stack.callback(idle.set)
        for _each in range(32):
            asker = stack.enter_context(socket.socket(socket.AF_UNIX))
            asker.setblocking(False)
            assert asker.connect_ex(str(tmp_path / "status.sock")) == 0
