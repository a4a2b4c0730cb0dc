"""A proxy in front of an engine."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from .stage import Stage


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Iterator[Stage]:
    """An engine that answers, and a proxy in front of it."""
    stage = Stage(tmp_path)
    try:
        stage.open()
        yield stage
    finally:
        stage.close()
