"""Keeps hypothesis quick, and offers a clock and agents."""

from __future__ import annotations

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

hypothesis.settings.register_profile(
    "unit", max_examples=25, derandomize=True, database=None, deadline=None
)
hypothesis.settings.load_profile("unit")
