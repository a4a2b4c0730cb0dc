"""Puts the lab's package on the path, as `lab/up` does."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "lab"))
