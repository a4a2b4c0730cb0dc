"""Registrator and the web service die in both orders, and the host is rebooted.

Seen red with a Registrator that did not come back: one ghost.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_what_stays_dead_is_gone_once_registrator_is_back(host: Any, drill: Any) -> None:
    """In the third round only Registrator came back: the catalog lists the two others."""
    found = drill("ghost_services")
    settled = [m["at"] for m in found.lines("marks.jsonl") if m["mark"] == "settled"]
    seen = [e["instances"] for e in found.events("passing", 0, settled[2] + 1) if e["instances"]]
    assert len(seen[-1]) == 2
    [dead] = found.hit(2)
    assert f"backend-{dead[-1]}" not in [tag for each in seen[-1] for tag in each["tags"]]


def test_the_catalog_ends_with_what_runs(host: Any, drill: Any) -> None:
    """Three instances, one a host."""
    last = drill("ghost_services").events("passing")[-1]["instances"]
    assert sorted(tag for each in last for tag in each["tags"]) == [
        "backend-1",
        "backend-2",
        "backend-3",
    ]
