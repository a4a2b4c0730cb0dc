"""One server loses its data, then all three at once.

Seen red without the guard's hold (`nginx_lb_guard_max_hold_seconds: 0`): 228 requests failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_a_new_cluster_learns_what_runs(host: Any, drill: Any) -> None:
    """Raft began anew, and every instance is registered again."""
    found = drill("consul_data_loss")
    terms = [e["term"] for e in found.events("raft") if e.get("term")]
    assert terms[-1] < max(terms) or terms[-1] <= 3
    assert len(found.events("passing")[-1]["instances"]) == 3


def test_users_saw_every_host_throughout(host: Any, drill: Any) -> None:
    """In both rounds."""
    found = drill("consul_data_loss")
    assert len(found.hit(1)) == 3
    for fault, healed in found.windows():
        assert found.answered(fault, healed) == {"host-1", "host-2", "host-3"}
