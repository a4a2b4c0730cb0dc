"""One host: one server, one Registrator, one web container, the balancer.

Seen red on the stack of three hosts.
"""

from __future__ import annotations

from typing import Any


def test_the_page_answers(host: Any) -> None:
    """Always the same host."""
    page = host.check_output("for n in 1 2 3; do curl -fsS http://10.111.152.136/; echo; done")
    assert [line.split()[3] for line in page.splitlines() if line] == ["host-1"] * 3


def test_one_server_is_a_cluster(consul: Any) -> None:
    """It leads, and the one web container is registered."""
    assert consul("/v1/status/peers") == ["10.111.152.136:8300"]
    assert len(consul("/v1/health/service/my-web-server?passing")) == 1
