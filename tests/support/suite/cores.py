"""The lines of ansible-core that the collection is served on, and where each one is tested.

The one place that names them. It imports nothing but Python's own library, so that whatever starts
the checks can read it before there is an environment.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Core:
    """A line of ansible-core, its release that is tested, and the Python it is tested with."""

    line: str
    version: str
    python: str


# The newest release of each line. ansible-core 2.17 runs on Python 3.10 to 3.12, 2.18 and 2.19 on
# 3.11 to 3.13, 2.20 and 2.21 on 3.12 to 3.14; the pins of the checks want 3.11 at least.
CORES = (
    Core("2.17", "2.17.14", "3.11"),
    Core("2.18", "2.18.19", "3.11"),
    Core("2.19", "2.19.14", "3.11"),
    Core("2.20", "2.20.10", "3.12"),
    Core("2.21", "2.21.5", "3.13"),
)
LINES = {core.line: core for core in CORES}
