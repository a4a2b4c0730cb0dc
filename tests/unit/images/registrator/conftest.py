"""Keeps hypothesis quick, offers a clock, and has no test start anything."""

from __future__ import annotations

import hypothesis
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import clock_fixture
from ansible_collections.rollcall.discovery.tests.support.suite.edges import starts_nothing_fixture

__all__ = ["clock_fixture", "starts_nothing_fixture"]

hypothesis.settings.register_profile(
    "unit", max_examples=25, derandomize=True, database=None, deadline=None
)
hypothesis.settings.load_profile("unit")
