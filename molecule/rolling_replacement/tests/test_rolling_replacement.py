"""Every web container is replaced, one after the other.

Seen red with HELLOWORLD_GRACE=0: a request or two failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_every_container_was_replaced(host: Any, drill: Any) -> None:
    """What runs now was created by the last replacement, under load."""
    found = drill("rolling_replace")
    [(fault, _healed)] = found.windows()
    assert any(fault <= request["due"] for request in found.lines("requests.jsonl"))
    created = host.check_output("docker inspect -f '{{.Created}}' helloworld-1")
    assert host.check_output(f"date -d '{created}' +%s") > str(int(fault))
