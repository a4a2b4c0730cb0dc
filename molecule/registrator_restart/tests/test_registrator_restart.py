"""Registrator is killed and stopped on every host.

Seen red with registrator_deregister_on_exit: 1,517 requests failed.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("whole")


def test_no_service_flaps(host: Any, drill: Any) -> None:
    """No agent ever lists fewer than three passing instances, or another registration."""
    seen = [e["instances"] for e in drill("registrator_restart").events("passing")]
    assert seen
    assert {frozenset((i["id"], i["port"]) for i in each) for each in seen if each} == {
        frozenset((i["id"], i["port"]) for i in seen[0])
    }
