"""The command with an observer, authorities, and what they sign for the fakes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.authorities import (
    authority_fixture,
    stranger_fixture,
)
from ansible_collections.rollcall.discovery.tests.support.drills.command import drill_fixture
from ansible_collections.rollcall.discovery.tests.support.stalls import WATCH
from rollcall_agents.certificates import Authority
from rollcall_drills.history.folder import Folder
from rollcall_drills.observer.lifecycle import observer_pid

__all__ = ["authority_fixture", "drill_fixture", "stranger_fixture"]


@pytest.fixture
def history(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder's path; whatever observes into it ends with the test."""
    folder = Folder(tmp_path / "deep" / "history")
    yield folder.path
    if pid := observer_pid(folder):
        os.kill(pid, signal.SIGKILL)
    if folder.pid.exists():
        # A command in this process leaves its observer to it; one in a process of its own does not.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(int(folder.pid.read_text()), 0)


@pytest.fixture
def stood_still() -> Callable[[], float]:
    """For how many seconds the machine kept this process from running since the test began."""
    WATCH.start()
    began = time.monotonic()
    return lambda: WATCH.total(began)


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    """What a fake shows that is who it says it is."""
    return shown(authority, "127.0.0.1")


@pytest.fixture(scope="session")
def elsewhere(authority: Authority) -> ssl.SSLContext:
    """What a fake shows whose certificate is for another address."""
    return shown(authority, "192.0.2.1")


def shown(authority: Authority, address: str) -> ssl.SSLContext:
    """A server's side with a certificate for this address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.leaf(address, address))
    return context
