"""Hosts four and five have joined as clients.

Seen red on the stack of three hosts.
"""

from __future__ import annotations

from typing import Any


def test_five_agents_of_which_three_are_servers(consul: Any) -> None:
    """The host's own agent sees all of them alive."""
    members = consul("/v1/agent/members")
    roles = sorted((member["Tags"]["role"], member["Status"]) for member in members)
    assert [each for each in roles if each[1] == 1] == [("consul", 1)] * 3 + [("node", 1)] * 2


def test_five_hosts_answer(answering: Any) -> None:
    """Forty requests reach all five."""
    assert answering(40) == {f"host-{number}" for number in range(1, 6)}
