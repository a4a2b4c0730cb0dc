"""Puts the daemon's package on the path and keeps hypothesis quick and repeatable."""

from __future__ import annotations

import pathlib
import sys

import hypothesis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src"))

hypothesis.settings.register_profile(
    "unit", max_examples=25, derandomize=True, database=None, deadline=None
)
hypothesis.settings.load_profile("unit")
