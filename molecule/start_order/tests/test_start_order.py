"""The parts start in odd orders.

Seen red with a Registrator that was stopped on the way: the audit missed what runs on its host.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

HOSTS = {"host-1", "host-2", "host-3"}
# Between two changes of its list the balancer rests for 2.4 s, and then nginx reloads.
PATIENCE_SECONDS = 10
pytestmark = pytest.mark.usefixtures("whole")


def test_every_host_is_registered_and_answers(host: Any, consul: Any) -> None:
    """Three passing instances, and thirty requests reach all three, once the balancer has heard."""
    assert len(consul("/v1/health/service/my-web-server?passing")) == 3
    deadline = time.monotonic() + PATIENCE_SECONDS
    while answering(host) != HOSTS:
        assert time.monotonic() < deadline, f"only {answering(host)} answered"


def answering(host: Any) -> set[str]:
    """The hosts that answered thirty requests."""
    command = "for n in $(seq 30); do curl -fsS http://10.111.152.136/; echo; done"
    return {line.split()[3] for line in host.check_output(command).splitlines() if line}
