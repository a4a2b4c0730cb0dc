"""A leader that dies, and one that leaves in good order.

Seen red with raft_multiplier 5 (10.9 s without a leader) a stop that hands nothing over (1.9 s).
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


@pytest.mark.parametrize("name", ["leader_kill", "leader_stop"])
def test_another_server_leads_at_a_higher_term(host: Any, drill: Any, name: str) -> None:
    """One election, and no more."""
    figures = drill(name).figures
    before, after = figures["terms"]
    assert after > before
    assert (figures["elections"], figures["unprovoked_elections"]) == (1, 0)


@pytest.mark.parametrize("name", ["leader_kill", "leader_stop"])
def test_the_old_leader_comes_back_as_a_follower(host: Any, drill: Any, name: str) -> None:
    """It led when it was hit, and follows from its healing on."""
    found = drill(name)
    [(fault, healed)] = found.windows()
    address = found.lines("marks.jsonl")
    [hit] = [mark["addresses"][0] for mark in address if mark["mark"] == "fault"]
    states = [e for e in found.events("raft") if e.get("address") == hit]
    assert [e["state"] for e in states if e["at"] < fault][-1] == "Leader"
    assert [e["state"] for e in states][-1] == "Follower"
    assert healed > fault


@pytest.mark.parametrize("name", ["leader_kill", "leader_stop"])
def test_every_host_goes_on_answering(host: Any, drill: Any, name: str) -> None:
    """The containers of the host that lost its server too."""
    found = drill(name)
    assert found.answered(*found.windows()[0]) == {"host-1", "host-2", "host-3"}
