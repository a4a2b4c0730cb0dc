"""A host is cut off: both ways, then it hears nothing, then it is not heard.

Seen red with nginx_lb_read_timeout 60s: 22 GETs hung on connections that were kept.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_the_cut_off_host_is_left_out_in_every_way(host: Any, drill: Any) -> None:
    """Some agent calls it failed, and nobody is sent there after ten seconds."""
    found = drill("network_partition")
    assert len(found.windows()) == 3
    for number, (fault, healed) in enumerate(found.windows()):
        [cut] = found.hit(number)
        assert found.seen_failed(fault, healed), number
        # It stays cut off for 15 s until it is healed, however long cutting it off has taken.
        assert cut not in found.answered(healed - 5, healed - 2), number


def test_it_comes_back(host: Any, drill: Any) -> None:
    """After the last healing all hosts answer."""
    found = drill("network_partition")
    assert found.answered(found.windows()[-1][1], float("inf")) == {"host-1", "host-2", "host-3"}
