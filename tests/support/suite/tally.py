"""What came of the checks: a row for each session, tests counted, and why something failed.

Nothing is imported but the standard library: tests/run reads this before there is an environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Molecule draws a margin before what it runs.
MARGIN = r"(\s|│)*"
# pytest's closing line, with and without -q, and what repetition.py prints above it.
CLOSING = re.compile(MARGIN + r"(=+ )?(\d+ [a-z]+(, \d+ [a-z]+)* in \d|\d+ passed on repetition:$)")
COUNT = re.compile(r"(\d+) (passed on repetition|passed|failed|error)")
# What pytest, Ansible and Molecule begin a line with that says why something failed.
REASON = re.compile(MARGIN + r"(FAILED|ERROR|E  |fatal:|\[ERROR\])")
REASONS = 30


class Tally:
    """Reads what the sessions print and report, and says what came of all of them."""

    def __init__(self) -> None:
        """Nothing ran yet."""
        self._rows: list[tuple[str, str, float]] = []
        self._counts = dict.fromkeys(("passed", "failed", "error", "passed on repetition"), 0)
        self._reasons: list[str] = []

    def read(self, line: str) -> None:
        """Count what pytest says in a line, keep one that gives a reason."""
        plain = COLOUR.sub("", line).rstrip()
        if CLOSING.match(plain):
            for number, word in COUNT.findall(plain):
                self._counts[word] += int(number)
        if REASON.match(plain):
            self._reasons.append(line.rstrip())

    def ended(self, report: Mapping[str, Any], suffix: str = "") -> None:
        """Add the rows of nox's own report."""
        for each in report["sessions"]:
            name = next(iter(each["signatures"]), each["name"])
            self._rows.append((f"{name}{suffix}", each["result"], each["duration"]))

    def broke(self, sessions: tuple[str, ...]) -> None:
        """Add a row for sessions of which nox has left no report: it has failed itself."""
        self._rows.append((" ".join(sessions), "failed", 0.0))

    def failed(self) -> int:
        """How much failed: tests, or sessions where these failed without one."""
        bad = sum(result != "success" for _name, result, _seconds in self._rows)
        return max(self._counts["failed"] + self._counts["error"], bad)

    def table(self) -> str:
        """The seconds of each session, why something failed, and the closing line."""
        lines = [f"{'SESSION':28}{'RESULT':10}SECONDS"]
        lines += [f"{name:28}{result:10}{seconds:7.0f}" for name, result, seconds in self._rows]
        lines += self._reasons[-REASONS:]
        if repeated := self._counts["passed on repetition"]:
            lines += ["", f"{repeated} passed on repetition"]
        return "\n".join([*lines, "", f"{self._counts['passed']} passed, {self.failed()} failed"])
