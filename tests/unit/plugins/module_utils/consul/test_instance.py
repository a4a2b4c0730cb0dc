"""A service as the catalog has it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.instance import Instance


@pytest.mark.parametrize(
    ("checks", "alive"),
    [
        ([{"CheckID": "serfHealth", "Status": "passing"}], True),
        ([{"CheckID": "serfHealth", "Status": "critical"}], False),
        ([{"CheckID": "service:web-1", "Status": "passing"}], False),
        ([], False),
    ],
)
def test_an_agent_lives_when_the_gossip_says_so(checks: list[Any], alive: bool) -> None:
    """A node without serfHealth has no agent."""
    entry = {
        "Node": {"Node": "there", "Address": "192.0.2.2", "Datacenter": "dc1"},
        "Service": {"ID": "web-1", "Service": "web", "Address": "", "Port": 80},
        "Checks": checks,
    }
    found = Instance.from_api(entry)
    assert (found.node, found.datacenter, found.id, found.name) == ("there", "dc1", "web-1", "web")
    assert (found.address, found.port, found.alive) == ("192.0.2.2", 80, alive)
