"""Both have left, and nothing of them is left behind."""

from __future__ import annotations

from typing import Any

from rollcall_agents.polling import settled

# What the drills grant the catalog after a healing.
PATIENCE_SECONDS = 15
# serf.StatusLeft, as /v1/agent/members has it.
LEFT = 3


def test_the_catalog_has_forgotten_them(consul: Any) -> None:
    """Three nodes, three instances; the gossip says that they left, not that they failed."""
    # The leader strikes off who has left when the gossip has told it, and tells others in its turn.
    settled(lambda: _forgotten(consul), PATIENCE_SECONDS)
    assert len(consul("/v1/catalog/nodes")) == 3
    assert len(consul("/v1/catalog/service/my-web-server")) == 3
    assert _clients(consul) <= {LEFT}


def _forgotten(consul: Any) -> bool:
    return len(consul("/v1/catalog/nodes")) == 3 and _clients(consul) <= {LEFT}


def _clients(consul: Any) -> set[int]:
    """The states in which the agent's gossip has the clients."""
    members = consul("/v1/agent/members")
    return {member["Status"] for member in members if member["Tags"]["role"] == "node"}
