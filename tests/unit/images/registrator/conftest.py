"""Keeps hypothesis quick, and offers a clock."""

from __future__ import annotations

import hypothesis
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import clock_fixture

__all__ = ["clock_fixture"]

hypothesis.settings.register_profile(
    "unit", max_examples=25, derandomize=True, database=None, deadline=None
)
hypothesis.settings.load_profile("unit")
