"""Renders the file with the instances of all services, which Lua in nginx reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Instances


def render(sets: Mapping[str, Instances], serial: int) -> str:
    """The file: a line for each set and each of its instances, and the serial number at the end."""
    lines: list[str] = []
    for name, instances in sorted(sets.items()):
        lines.append(f"service {name}")
        lines += [f"{each.endpoint} {each.weight}" for each in instances]
    return "\n".join([*lines, f"end {serial}", ""])
