"""Both have left, and nothing of them is left behind."""

from __future__ import annotations

import json
from typing import Any


def test_the_catalog_has_forgotten_them(host: Any) -> None:
    """Three nodes, three instances; the gossip says that they left, not that they failed."""
    agent = "curl -fsS http://127.0.0.1:8500/v1"
    nodes = json.loads(host.check_output(f"{agent}/catalog/nodes"))
    assert len(nodes) == 3
    instances = json.loads(host.check_output(f"{agent}/catalog/service/my-web-server"))
    assert len(instances) == 3
    members = json.loads(host.check_output(f"{agent}/agent/members"))
    assert {m["Status"] for m in members if m["Tags"]["role"] == "node"} <= {3}
