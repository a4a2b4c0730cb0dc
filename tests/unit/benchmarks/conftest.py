"""Puts the benchmarks' package on the path, as `benchmarks/balancer.py` does."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "benchmarks"))
