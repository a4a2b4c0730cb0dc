"""What is waited for until servers answer, and what is not."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport import retry
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Forbidden,
    RequestRefused,
    Unavailable,
    Unreachable,
)


@pytest.fixture(autouse=True)
def _hasty(clock: object) -> None:
    """Nothing here takes time."""


class Server:
    """Fails with each of these, one after the other, and then answers."""

    def __init__(self, *errors: ConsulError) -> None:
        """Nobody has asked yet."""
        self.errors = list(errors)

    def __call__(self) -> str:
        """One request."""
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_server_that_starts_is_waited_for() -> None:
    """First nothing listens, then there is no leader."""
    server = Server(Unreachable("refused"), Unavailable("no leader"))
    assert retry.retry_until_available(server, 60) == "answer"


def test_at_the_deadline_the_last_error_counts() -> None:
    """A timeout of nothing is one request."""
    server = Server(Unreachable("first"), Unavailable("second"))
    with pytest.raises(Unreachable, match="first"):
        retry.retry_until_available(server, 0)
    assert len(server.errors) == 1


@pytest.mark.parametrize("error", [Forbidden("no"), RequestRefused("wrong")], ids=str)
def test_what_no_time_mends_is_told_at_once(error: ConsulError) -> None:
    """A token without rights stays one."""
    server = Server(error, RequestRefused("asked again"))
    with pytest.raises(type(error), match=str(error)):
        retry.retry_until_available(server, 60)
