"""Connections to an agent, and their end."""

from __future__ import annotations

import pathlib
import queue
import socket
import ssl
import threading

import pytest
from rollcall_agents.certificates import Authority
from rollcall_common.consul_http import Agent, ConsulHttp, Tls, Unreachable


@pytest.mark.parametrize("scheme", ["http", "https", "unix"])
def test_a_request_that_waits_ends_with_its_connection(tmp_path: pathlib.Path, scheme: str) -> None:
    """Another thread closes it, long before the agent answers; nothing is sent after that."""
    authority = Authority.make(tmp_path, "authority")
    family = socket.AF_UNIX if scheme == "unix" else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind(str(tmp_path / "socket") if scheme == "unix" else ("127.0.0.1", 0))
        listening.listen()
        place = listening.getsockname()
        url = f"{scheme}://{place if scheme == 'unix' else f'127.0.0.1:{place[1]}'}"
        http = ConsulHttp(Agent(url, tls=Tls(ca_file=str(authority.pem))), 600)
        ends: queue.SimpleQueue[Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                http.request("GET", "/")
            except Unreachable as error:
                ends.put(error)

        threading.Thread(target=ask, daemon=True).start()
        connection, _address = listening.accept()
        if scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.leaf("agent", "127.0.0.1"))
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            assert connection.recv(5) == b"GET /"
            http.close()
            assert isinstance(ends.get(timeout=60), Unreachable)
            with pytest.raises(Unreachable, match="closed"):
                http.request("GET", "/")
