"""What a host says of itself, asked of this one."""

from __future__ import annotations

import os
import pathlib
import socket
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight import host as machine


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket of this process that listens on loopback."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def test_a_listener_is_found_with_the_process_that_holds_it(listening: socket.socket) -> None:
    """The kernel's tables lead from the port to the process."""
    port = f"{listening.getsockname()[1]}/tcp"
    inode = machine.listeners()[port]
    assert machine.holders([inode]) == {inode: os.getpid()}
    assert machine.process_name(os.getpid())


@pytest.mark.parametrize(
    ("address", "here"), [("127.0.0.1", True), ("203.0.113.7", False), ("nonsense", False)]
)
def test_the_kernel_tells_whether_an_address_is_the_hosts(address: str, here: bool) -> None:
    """Nobody else's address can be bound to."""
    assert machine.has_address(address) is here


def test_a_registry_that_does_not_listen_is_told(listening: socket.socket) -> None:
    """The refusal names host and port."""
    port = listening.getsockname()[1]
    assert machine.reachable(f"127.0.0.1:{port}/image") is None
    listening.close()
    assert f"127.0.0.1:{port}" in str(machine.reachable(f"127.0.0.1:{port}/image"))


def test_without_an_engine_nothing_is_known(tmp_path: pathlib.Path) -> None:
    """A socket that is not there is no error but an answer."""
    docker = machine.Docker(str(tmp_path / "docker.sock"))
    assert not docker.answers()
    assert not docker.has_image("web:1")
    assert docker.publisher_of(80, "tcp") is None
    assert docker.secure_containers("consul_server") == []
