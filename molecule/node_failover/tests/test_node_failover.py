"""The articles' failover step, and a host without power.

Seen red with nginx's own `nginx_lb_connect_timeout: 60s`: two GETs waited for five seconds in vain.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_the_others_report_the_stopped_server_failed(host: Any, drill: Any) -> None:
    """Node 1's server is stopped, and all backends still answer through the balancer."""
    found = drill("server_stop")
    [(fault, healed)] = found.windows()
    assert found.hit() == ["host-1"]
    assert found.seen_failed(fault, healed) == {"consulserver-node1"}
    assert found.answered(fault, healed) == {"host-1", "host-2", "host-3"}


def test_the_stopped_server_rejoins(host: Any, drill: Any) -> None:
    """Every agent that saw it failed sees it alive at the end."""
    last = {e["agent"]: e["members"] for e in drill("server_stop").events("members")}
    assert len(last) == 3
    assert all(m["status"] == "alive" for members in last.values() for m in members)


def test_a_dead_hosts_instances_leave_the_rotation_and_come_back(host: Any, drill: Any) -> None:
    """Nobody answers for it while it is dead, and it does again when it is back."""
    found = drill("host_kill")
    [(_fault, healed)] = found.windows()
    [dead] = found.hit()
    # It stays dead for 20 s until it is healed, however long killing it has taken.
    assert dead not in found.answered(healed - 8, healed)
    assert dead in found.answered(healed, float("inf"))
