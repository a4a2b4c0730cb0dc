"""The time that `poll` waits by."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._base import polling


class Clock:
    """Time that passes only where somebody waits; `then` happens after the first wait."""

    def __init__(self) -> None:
        """A clock at zero."""
        self.now = 0.0
        self.then: t.Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.then()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that only `poll` advances."""
    fake = Clock()
    monkeypatch.setattr(polling, "time", fake)
    return fake
