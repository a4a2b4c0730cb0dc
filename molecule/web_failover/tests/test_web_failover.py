"""Web containers that are killed, stopped, and all replaced.

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


def test_every_container_was_replaced(host: Any, drill: Any) -> None:
    """What runs now was created in the last of ten times; 60,000 requests were asked meanwhile."""
    found = drill("rolling_replace")
    assert sum(1 for _ in found.lines("requests.jsonl")) >= 60_000
    windows = found.windows()
    assert len(windows) == 5
    fault, _healed = windows[-1]
    created = host.check_output("docker inspect -f '{{.Created}}' helloworld-1")
    assert host.check_output(f"date -d '{created}' +%s") > str(int(fault))
