"""Whether an agent can be forgotten."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.membership import (
    plan,
    status_of,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.model import (
    Member,
    Observation,
)


def gossip(**status: str) -> Observation:
    """What the gossip says of each member."""
    members = (Member(name, "", said, "client", "1.22.7") for name, said in status.items())
    return Observation(members=tuple(members))


@pytest.mark.parametrize("status", ["failed", "left", "alive"])
def test_a_member_is_forgotten_whatever_it_is(status: str) -> None:
    """One that is alive is waited for when it is applied."""
    decided = plan(gossip(web=status, other="alive"), "web")
    assert decided.changed
    assert (decided.before, decided.after) == ({"web": status}, {"web": "absent"})


def test_a_member_nobody_knows_is_no_change() -> None:
    """The second run."""
    assert not plan(gossip(other="alive"), "web").changed


def test_a_member_is_found_by_its_whole_name() -> None:
    """Not by a part of it."""
    assert status_of(gossip(web1="alive"), "web") == "absent"
