"""The same instance at two agents.

Seen red with an audit that repairs nothing.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_it_was_there_twice_and_is_there_once(host: Any, drill: Any) -> None:
    """Two entries of one identifier while it lasted, one for each instance at the end."""
    found = drill("duplicate_services")
    [(fault, healed)] = found.windows()
    during = [e["instances"] for e in found.events("passing", fault, healed) if e["instances"]]
    assert max(len(each) for each in during) == 4
    last = [each["id"] for each in found.events("passing")[-1]["instances"]]
    assert len(last) == len(set(last)) == 3


def test_no_agent_puts_it_back(consul: Any, drill: Any) -> None:
    """What this host's agent has is what the catalog lists for its node."""
    drill("duplicate_services")
    names = [service["Service"] for service in consul("/v1/agent/services").values()]
    assert names.count("my-web-server") == 1
