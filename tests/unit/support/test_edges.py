"""A unit test that starts something, listens or asks, fails: these do not get that far."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable

import pytest
from ansible_collections.rollcall.discovery.tests.support.suite import edges


def listen() -> None:
    """Be a server."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def connect() -> None:
    """Be a client."""
    with socket.socket() as client:
        client.connect(("127.0.0.1", 1))


@pytest.mark.parametrize(
    ("reach", "event"),
    [
        (lambda: subprocess.run(["true"], check=True), "subprocess.Popen"),
        (lambda: os.system("true"), "os.system"),
        (listen, "socket.bind"),
        (connect, "socket.connect"),
        (lambda: socket.getaddrinfo("nowhere.invalid", 80), "socket.getaddrinfo"),
    ],
)
def test_what_reaches_beyond_this_process_fails(reach: Callable[[], object], event: str) -> None:
    """At that line, and at the end of the test where the product has caught it."""
    with pytest.raises(AssertionError, match=f"{event} .* belongs to the component suite"):
        reach()
    assert edges.GUARD.reached == [event]
    # What this test has provoked is no fault of its own.
    edges.GUARD.reached.clear()


def test_an_address_is_its_own_answer() -> None:
    """Nobody is asked for it."""
    assert socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)
