"""The parts start in odd orders.

Seen red with a Registrator that was stopped on the way: the audit missed what runs on its host.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_every_host_is_registered_and_answers(host: Any, consul: Any) -> None:
    """Three passing instances, and thirty requests reach all three."""
    assert len(consul("/v1/health/service/my-web-server?passing")) == 3
    page = "http://10.111.152.136/"
    answers = host.check_output(f"for n in $(seq 30); do curl -fsS {page}; echo; done")
    hosts = {line.split()[3] for line in answers.splitlines() if line}
    assert hosts == {"host-1", "host-2", "host-3"}
