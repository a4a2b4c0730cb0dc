"""The Docker Engine of a host restarts.

Seen red with a balancer that asks no second instance (`nginx_lb_retry_on: []`): two GETs failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_its_containers_come_back_and_answer(host: Any, drill: Any) -> None:
    """What the host runs now is younger than the fault, and answers."""
    found = drill("docker_restart")
    [(fault, healed)] = found.windows()
    [hit] = found.hit()
    assert hit in found.answered(healed, float("inf"))
    if host.check_output("hostname") == hit:
        begun = host.check_output("docker inspect -f '{{.State.StartedAt}}' helloworld-1")
        assert host.check_output(f"date -d '{begun}' +%s") >= str(int(fault))
