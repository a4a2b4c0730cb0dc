"""A client's host loses its power.

Seen red with Consul's own suspicion_mult of 4: it was in the rotation for 10.6 s.
"""

from __future__ import annotations

from typing import Any


def test_its_instances_leave_and_come_back(host: Any, drill: Any) -> None:
    """As with a server's host, only that nobody has to be elected."""
    found = drill("host_kill")
    [(_fault, healed)] = found.windows()
    assert found.hit() == ["host-4"]
    assert found.figures["elections"] == 0
    # It stays dead for 20 s until it is healed.
    assert "host-4" not in found.answered(healed - 8, healed)
    assert "host-4" in found.answered(healed, float("inf"))
