"""Every web container is replaced ten times.

Seen red with HELLOWORLD_GRACE=0: a request or two failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_every_container_was_replaced(host: Any, drill: Any) -> None:
    """What runs now was created in the last of ten times; 60,000 requests were asked meanwhile."""
    found = drill("rolling_replace")
    assert sum(1 for _ in found.lines("requests.jsonl")) >= 60_000
    windows = found.windows()
    assert len(windows) == 5
    fault, _healed = windows[-1]
    created = host.check_output("docker inspect -f '{{.Created}}' helloworld-1")
    assert host.check_output(f"date -d '{created}' +%s") > str(int(fault))
