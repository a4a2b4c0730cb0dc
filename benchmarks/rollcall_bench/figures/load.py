"""What the load generator hey reports. Pure."""

from __future__ import annotations

import dataclasses
import re

# "  99% in 0.0012 secs": hey 0.1.4 writes the percent sign twice.
_TAIL = re.compile(r"^ *99%+ in ([\d.]+) secs", re.MULTILINE)
# "  [200]\t1998 responses", and "  [2]\tGet …: connection refused" for those without an answer.
_ROW = re.compile(r"^ *\[(\d+)\]\t(\d+ responses)?", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Load:
    """The p99 of all answers, and how many requests had no answer with 200."""

    p99_ms: float
    failed: int


def read(report: str) -> Load:
    """The figures of a report; ValueError where nothing was answered."""
    tail = _TAIL.search(report)
    if not tail:
        raise ValueError(f"no request was answered:\n{report}")
    failed = 0
    for first, responses in _ROW.findall(report):
        if not responses:
            failed += int(first)
        elif first != "200":
            failed += int(responses.split()[0])
    return Load(float(tail[1]) * 1000, failed)
