"""Web containers that are killed and stopped.

Seen red with HELLOWORLD_GRACE=0: a request or two failed in each.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


@pytest.mark.parametrize("name", ["web_kill", "web_stop"])
def test_a_dead_container_is_left_out_and_comes_back(host: Any, drill: Any, name: str) -> None:
    """The others answer for it."""
    found = drill(name)
    [(fault, healed)] = found.windows()
    [dead] = found.hit()
    # The container is stopped some time after the mark, and gets a second to finish.
    assert dead not in found.answered(fault + 4, healed - 2)
    assert dead in found.answered(healed, float("inf"))
