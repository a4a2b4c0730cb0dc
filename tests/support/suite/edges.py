"""A suite that starts nothing: no process, no server, no question to another process.

Where a conftest.py has `starts_nothing_fixture`, each test of its folder fails at the line that
reaches beyond its own process.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from typing import Any

import pytest

# Python's audit events: https://docs.python.org/3/library/audit_events.html
_STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_ASKS = {"socket.bind", "socket.connect", "socket.gethostbyname", "socket.sendto"}


class _Guard:
    """Python's audit hook: there is no way to take one out again, so that it is told when."""

    def __init__(self) -> None:
        """Nothing is guarded yet."""
        self.on = False
        self.reached: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An error at the line that reaches beyond this process; it is kept too."""
        if self.on and (event in _STARTS or event in _ASKS or _resolves(event, arguments)):
            self.reached.append(event)
            raise AssertionError(
                f"{event} {arguments[0]}: this test belongs to the component suite"
            )


def _resolves(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a name is looked up; an address is its own answer."""
    if event != "socket.getaddrinfo":
        return False
    try:
        ipaddress.ip_address(arguments[0])
    except ValueError:
        return True
    return False


GUARD = _Guard()
sys.addaudithook(GUARD)


@pytest.fixture(name="starts_nothing", autouse=True)
def starts_nothing_fixture() -> Iterator[None]:
    """Fails a test that starts a process, listens or asks; also where the product caught that."""
    GUARD.reached.clear()
    GUARD.on = True
    yield
    GUARD.on = False
    assert not GUARD.reached, f"{GUARD.reached} belongs to the component suite"
