"""How long an audit waits, and for what."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._base import polling
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import (
    AuditData,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.instance import (
    AgentNode,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Forbidden,
    TokenNotFound,
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.modules.registrator_audit import Auditor

NOTHING = AuditData("reg-1", AgentNode("node-1", "10.0.0.1"))


class Restarted(Auditor):
    """An auditor whose agent fails with these errors, and then has nothing registered."""

    def __init__(self, *errors: ConsulError) -> None:
        """Wait for 10 s."""
        self._params: t.Mapping[str, t.Any] = {"wait_timeout": 10}
        self._errors = list(errors)

    def read(self) -> AuditData:
        if self._errors:
            raise self._errors.pop(0)
        return NOTHING


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling.time, "sleep", lambda _seconds: None)


def test_an_agent_that_restarts_is_waited_for() -> None:
    """It does not listen, and then knows no token until it has caught up."""
    auditor = Restarted(Unreachable("no answer"), TokenNotFound("ACL not found"))
    assert auditor.findings() == ()


def test_a_token_without_a_right_is_no_reason_to_wait() -> None:
    """It would lack it in ten seconds, too."""
    with pytest.raises(Forbidden, match="lacks"):
        Restarted(Forbidden("lacks a right")).findings()
