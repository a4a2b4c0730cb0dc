"""The drills of web containers and of a host, with the data plane `dns`.

Seen red with the data plane `reload`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")

DRILLS = ("web_kill", "scale_out_in", "host_kill")


@pytest.mark.parametrize("name", DRILLS)
def test_nginx_is_not_reloaded(drill: Any, name: str) -> None:
    """Instances come and go, the drill's bounds are kept, and nginx goes on as it is."""
    found = drill(name)
    assert found.figures["reloads"] == 0


def test_it_is_this_data_plane(host: Any) -> None:
    """The balancer says so."""
    if host.check_output("hostname") == "host-1":
        status = json.loads(host.check_output("curl -fsS http://127.0.0.1:8404/status"))
        assert status["data_plane"] == "dns"
