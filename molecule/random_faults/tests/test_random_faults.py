"""Thirty faults in a random order.

Seen red with a balancer that asks no second instance (`nginx_lb_retry_on: []`): 52 GETs failed in
eight faults.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_every_fault_was_made_and_healed(host: Any, drill: Any) -> None:
    """Thirty windows, of more kinds than ten, and all of what runs listed at the end."""
    found = drill("random")
    assert len(found.windows()) == 30
    marks = [mark for mark in found.lines("marks.jsonl") if mark["mark"] == "fault"]
    assert len({mark["detail"] for mark in marks}) > 10
    assert len(found.events("passing")[-1]["instances"]) == 3
