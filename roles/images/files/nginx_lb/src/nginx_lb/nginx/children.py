"""Process 1 inherits whoever loses its parent: those that are nobody's are taken leave of."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection


def reap(ours: Collection[int]) -> int:
    """Collect every ended process but `ours`, whose status somebody waits for; how many."""
    count = 0
    with contextlib.suppress(ChildProcessError):
        while True:
            # Looked at first: of two waits for one process the second learns nothing.
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid in ours:
                return count
            os.waitpid(ended.si_pid, 0)
            count += 1
    return count
