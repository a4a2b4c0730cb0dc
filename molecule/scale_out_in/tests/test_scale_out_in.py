"""Three web containers a host instead of one, and one again.

Seen red with HELLOWORLD_GRACE=0: three requests failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_nine_instances_shared_the_work(host: Any, drill: Any) -> None:
    """Every one of them got requests, and three are left."""
    found = drill("scale_out_in")
    [(fault, healed)] = found.windows()
    requests = found.lines("requests.jsonl")
    backends = {r["backend"] for r in requests if fault <= r["due"] < healed and "backend" in r}
    assert len({each for each in backends if "," not in each}) >= 9
    assert len(found.events("passing")[-1]["instances"]) == 3
    assert host.check_output("docker ps -q --filter name=helloworld | wc -l") == "1"
