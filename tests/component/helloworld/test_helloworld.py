"""The web service, asked over loopback in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from rollcall_agents.agent import free_ports
from rollcall_agents.polling import eventually

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "roles/images/files/helloworld/src/helloworld.py"


@pytest.fixture
def service() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The service as host-7 with a grace of 1 s, and its port."""
    (port,) = free_ports(1)
    environment = {**os.environ, "MY_HOST": "host-7", "PORT": str(port), "HELLOWORLD_GRACE": "1"}
    with subprocess.Popen([sys.executable, str(PROGRAM)], env=environment) as process:
        eventually("the service listens", lambda: _listens(port))
        yield process, port
        process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, path: str = "/", method: str = "GET", body: str = "") -> tuple[int, str]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body=body or None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def asked_for(port: int, seconds: float) -> Iterator[int]:
    """The statuses of a request each tenth of a second, for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield ask(port)[0]
        time.sleep(0.1)


def test_it_says_who_it_is_and_whom_it_saw(service: tuple[subprocess.Popen[bytes], int]) -> None:
    """The article's sentence: host, own address, the peer's address and port."""
    status, text = ask(service[1])
    assert status == 200
    assert re.fullmatch(
        r"Hello World! I'm host-7 addr:127\.0\.0\.1\. I saw that you are 127\.0\.0\.1:\d+\.\n", text
    )


@pytest.mark.parametrize(
    ("method", "path", "text"), [("GET", "/health", "ok\n"), ("HEAD", "/", "")]
)
def test_checks_are_answered(
    service: tuple[subprocess.Popen[bytes], int], method: str, path: str, text: str
) -> None:
    """/health for Consul, HEAD without a body."""
    assert ask(service[1], path, method) == (200, text)


def test_a_posted_body_is_read_to_its_end(service: tuple[subprocess.Popen[bytes], int]) -> None:
    """A rest left on the connection would become the next request."""
    connection = http.client.HTTPConnection("127.0.0.1", service[1], timeout=5)
    for _ in range(2):
        connection.request("POST", "/", body="x" * 100_000)
        assert connection.getresponse().read().startswith(b"Hello World!")
    connection.close()


def test_a_body_in_chunks_is_read_to_its_end(
    service: tuple[subprocess.Popen[bytes], int],
) -> None:
    """HAProxy hands on what it got, in pieces and without a length."""
    connection = http.client.HTTPConnection("127.0.0.1", service[1], timeout=5)
    for _ in range(2):
        connection.request("POST", "/", body=iter([b"x" * 10, b"y" * 10]), encode_chunked=True)
        assert connection.getresponse().read().startswith(b"Hello World!")
    connection.close()


def test_a_client_that_waits_for_a_word_gets_it(
    service: tuple[subprocess.Popen[bytes], int],
) -> None:
    """curl sends a large body when it has been told to continue, or a second later."""
    with socket.create_connection(("127.0.0.1", service[1]), timeout=5) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"body")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("method", ["PUT", "CONNECT"])
def test_a_method_that_means_nothing_here_is_refused(
    service: tuple[subprocess.Popen[bytes], int], method: str
) -> None:
    """What is not served is no success, and no user: 501."""
    assert ask(service[1], method=method)[0] == 501


def test_what_is_no_request_is_told_so(service: tuple[subprocess.Popen[bytes], int]) -> None:
    """The next one is answered as if nothing had been."""
    with socket.create_connection(("127.0.0.1", service[1]), timeout=5) as stranger:
        stranger.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
        assert stranger.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert ask(service[1])[0] == 200


def test_connections_take_no_thread_each(service: tuple[subprocess.Popen[bytes], int]) -> None:
    """A machine that moves processes between control groups keeps new threads waiting."""
    process, port = service
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            clients.callback(client.close)
            client.request("GET", "/")
            assert client.getresponse().status == 200
        threads = len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir()))
    assert threads == 1


def test_it_serves_on_while_balancers_look_away(
    service: tuple[subprocess.Popen[bytes], int],
) -> None:
    """After SIGTERM it answers as long as somebody asks, twice its grace here, and ends cleanly."""
    process, port = service
    process.send_signal(signal.SIGTERM)
    assert set(asked_for(port, 2.0)) == {200}
    assert process.wait(timeout=60) == 0


def test_checks_of_its_health_do_not_keep_it(
    service: tuple[subprocess.Popen[bytes], int],
) -> None:
    """Consul asks until the service is gone: it ends although /health is asked in its grace."""
    process, port = service
    statuses: list[int] = []

    def ended() -> bool:
        # Nobody is there to refuse what comes after the end.
        with contextlib.suppress(OSError):
            statuses.append(ask(port, "/health")[0])
        return process.poll() is not None

    process.send_signal(signal.SIGTERM)
    eventually("the service ends", ended)
    assert {*statuses} == {200}
    assert process.returncode == 0
