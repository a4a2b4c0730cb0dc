"""A clock for tests: time passes where they say so."""

from __future__ import annotations

import dataclasses

import pytest


@dataclasses.dataclass
class Clock:
    """A monotonic clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture(name="clock")
def clock_fixture() -> Clock:
    """The daemon's clock."""
    return Clock()
