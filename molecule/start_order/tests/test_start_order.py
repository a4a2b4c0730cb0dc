"""The parts start in odd orders.

Seen red with a Registrator that was stopped on the way: the audit missed what runs on its host.
"""

from __future__ import annotations

from typing import Any

import pytest
from rollcall_agents.polling import settled

HOSTS = {"host-1", "host-2", "host-3"}
# Registrator and the balancer may be busy with their start.
DEADLINE_SECONDS = 10
pytestmark = pytest.mark.usefixtures("whole")


def test_every_host_is_registered_and_answers(consul: Any, answering: Any) -> None:
    """Three passing instances, and thirty requests reach all three, once the balancer has heard."""
    assert len(consul("/v1/health/service/my-web-server?passing")) == 3
    settled(lambda: answering(30) == HOSTS, DEADLINE_SECONDS)
    assert answering(30) == HOSTS
