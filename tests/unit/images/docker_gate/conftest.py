"""Puts the gate's package and the daemon's on the path, and offers a gate before an engine."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path[:0] = [str(_ROOT / "images" / "docker-gate"), str(_ROOT / "registrator" / "src")]

from .stage import Stage  # noqa: E402  (the path comes first)


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Iterator[Stage]:
    """An engine that answers, and a gate in front of it."""
    stage = Stage(tmp_path)
    try:
        stage.open()
        yield stage
    finally:
        stage.close()
