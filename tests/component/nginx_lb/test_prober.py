"""Instances are asked whether they are still what they were."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from nginx_lb.model import Endpoint
from nginx_lb.protection.prober import Prober, ask
from nginx_lb.protection.withdrawal import Finding, Target
from nginx_lb.settings.model import Verification
from rollcall_agents.agent import LOCAL, free_ports
from rollcall_agents.polling import eventually

WHOAMI = Verification("/whoami", "I'm web")


class Instance:
    """It gives every connection the same answer, in pieces, and closes it where `closes`."""

    def __init__(self, *pieces: bytes, closes: bool = True) -> None:
        """It listens already."""
        self.pieces, self.closes = pieces, closes
        self.seen: list[bytes] = []
        self._kept: list[socket.socket] = []
        self._listener = socket.create_server((LOCAL, 0))
        self.endpoint = Endpoint(LOCAL, self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def end(self) -> None:
        """Listen no more."""
        # A thread that waits in accept keeps a socket that is only closed.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._kept:
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.seen.append(connection.recv(4096))
                for piece in self.pieces:
                    connection.sendall(piece)
                if self.closes:
                    connection.close()
                else:
                    self._kept.append(connection)


def answer(status: str, *body: bytes) -> tuple[bytes, ...]:
    """An answer whose body comes in these pieces."""
    return (f"HTTP/1.1 {status}\r\nX-Any: thing\r\n\r\n".encode(), *body)


@pytest.fixture
def instances() -> Iterator[list[Instance]]:
    """The instances of a story, which end with it."""
    made: list[Instance] = []
    yield made
    for each in made:
        with contextlib.suppress(OSError):
            each.end()


@pytest.mark.parametrize(
    ("pieces", "closes", "finding"),
    [
        (answer("200 OK", b"Hello, I'm web 1"), True, Finding.VERIFIED),
        (answer("200 OK", b"I'm ", b"web 1"), False, Finding.VERIFIED),
        ((b"HTTP/1.1 200 OK\r\nX-Name: I'm web\r\n\r\n",), True, Finding.VERIFIED),
        (answer("200 OK", b"Hello, I'm shop"), True, Finding.OTHER),
        (answer("404 Not Found"), True, Finding.OTHER),
        (answer("200 OK", b"x" * 70_000), True, Finding.OTHER),
        (answer("503 Service Unavailable", b"overloaded"), True, Finding.UNKNOWN),
        ((b"220 mail.example ESMTP\r\n",), True, Finding.UNKNOWN),
        ((), True, Finding.UNKNOWN),
        ((), False, Finding.UNKNOWN),
        (answer("200 OK", b"Hello"), False, Finding.UNKNOWN),
    ],
    ids=[
        *("itself", "in pieces", "in a header", "another", "without the path", "too long"),
        *("overloaded", "no HTTP", "closed", "silent", "half an answer"),
    ],
)
def test_an_instance_is_known_by_its_answer(
    instances: list[Instance], pieces: tuple[bytes, ...], closes: bool, finding: Finding
) -> None:
    """What is broken, slow or no HTTP says nothing about what it is."""
    instances.append(Instance(*pieces, closes=closes))
    [instance] = instances
    assert ask(Target("web", instance.endpoint, WHOAMI)) is finding
    [request] = instance.seen
    assert request.startswith(b"GET /whoami HTTP/1.0\r\nHost: 127.0.0.1:")


def test_nothing_is_asked_without_a_path(instances: list[Instance]) -> None:
    """A connection is enough."""
    instances.append(Instance())
    assert ask(Target("web", instances[0].endpoint, Verification())) is Finding.UNKNOWN
    eventually("the connection", lambda: instances[0].seen == [b""])


def test_a_host_without_the_container_refuses() -> None:
    """Nobody listens at the port."""
    assert ask(Target("web", Endpoint(LOCAL, free_ports(1)[0]), Verification())) is Finding.REFUSED


def test_the_prober_tells_when_it_finds_something_else(instances: list[Instance]) -> None:
    """It asks again and again, and nobody once nothing is watched."""
    instances.append(Instance())
    [instance] = instances
    target = Target("web", instance.endpoint, Verification())
    told = threading.Semaphore(0)
    prober = Prober(on_change=told.release)
    prober.watch(frozenset({target}), 0.01)
    assert told.acquire(timeout=30)
    assert prober.findings == {target: Finding.UNKNOWN}
    instance.end()
    assert told.acquire(timeout=30)
    assert prober.findings == {target: Finding.REFUSED}
    prober.watch(frozenset(), 0.01)
    assert prober.findings == {}
