"""Puts the daemon's package on the path, keeps hypothesis quick, and offers a clock and agents."""

from __future__ import annotations

import pathlib
import sys

import hypothesis

from .clock import clock_fixture
from .loopback import (
    certificates_fixture,
    loopback_fixture,
    mutual_fixture,
    tls_fixture,
    unix_fixture,
)

__all__ = [
    "certificates_fixture",
    "clock_fixture",
    "loopback_fixture",
    "mutual_fixture",
    "tls_fixture",
    "unix_fixture",
]

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src"))

hypothesis.settings.register_profile(
    "unit", max_examples=25, derandomize=True, database=None, deadline=None
)
hypothesis.settings.load_profile("unit")
