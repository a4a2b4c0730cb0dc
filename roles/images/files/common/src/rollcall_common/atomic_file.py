"""Writes files that others read at any time."""

from __future__ import annotations

import pathlib


def write(path: pathlib.Path, text: str) -> None:
    """Write a file in one step. OSError where it cannot be written: the old one stays."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
