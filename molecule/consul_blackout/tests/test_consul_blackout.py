"""Every server is stopped for six minutes.

Seen red with the balancer restarted meanwhile: 1,099 requests failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_the_last_good_list_is_served_throughout(host: Any, drill: Any) -> None:
    """No agent answers for six minutes, and every instance does."""
    found = drill("blackout")
    [(_fault, healed)] = found.windows()
    assert found.figures["leaderless_s"] > 350
    assert found.answered(healed - 60, healed) == {"host-1", "host-2", "host-3"}
