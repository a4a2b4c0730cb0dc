"""Every server is stopped; then all are away for six minutes and come back without their data.

Seen red with the balancer restarted meanwhile: 1,099 requests failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_the_last_good_list_is_served_throughout(host: Any, drill: Any) -> None:
    """No agent answers for six minutes, and every instance does."""
    found = drill("consul_outage")
    assert found.figures["leaderless_s"] > 350
    for fault, healed in found.windows():
        assert found.answered(max(fault, healed - 60), healed) == {"host-1", "host-2", "host-3"}


def test_an_empty_consul_becomes_a_full_one(host: Any, drill: Any) -> None:
    """Raft began anew, every instance is registered again, and none was missing from the page."""
    found = drill("consul_outage")
    terms = [e["term"] for e in found.events("raft") if e.get("term")]
    assert terms[-1] < max(terms) or terms[-1] <= 3
    assert len(found.events("passing")[-1]["instances"]) == 3
    assert found.answered(found.windows()[-1][1], float("inf")) == {"host-1", "host-2", "host-3"}
