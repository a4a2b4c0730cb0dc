"""Web containers that are killed and stopped.

Seen red with HELLOWORLD_GRACE=0: a request or two failed in each.
"""

from __future__ import annotations

from typing import Any

import pytest

HOSTS = {"host-1", "host-2", "host-3"}
pytestmark = pytest.mark.usefixtures("whole")


@pytest.mark.parametrize("name", ["web_kill", "web_stop"])
def test_a_dead_container_is_left_out_and_comes_back(host: Any, drill: Any, name: str) -> None:
    """The others answer for it."""
    found = drill(name)
    [(_fault, healed)] = found.windows()
    [dead] = found.hit()
    # It stays dead for six seconds until it is healed, however long killing it has taken.
    assert found.answered(healed - 5, healed) == HOSTS - {dead}
    assert dead in found.answered(healed, float("inf"))
