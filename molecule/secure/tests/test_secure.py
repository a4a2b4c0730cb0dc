"""An open cluster is secured under load: nobody notices."""

from __future__ import annotations

from typing import Any


def test_everybody_answers_all_the_time(host: Any, drill: Any) -> None:
    """No instance leaves the rotation for as long as five seconds while it happens."""
    assert drill("secure").away(seconds=5) == {}
