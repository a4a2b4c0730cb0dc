"""Puts the drills' package on the path, as `drills/drill` does."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "drills"))
