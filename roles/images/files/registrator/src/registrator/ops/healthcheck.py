"""`registrator healthcheck`: checks the heartbeat file that the daemon writes.

Imports little: a container engine runs this every few seconds.
"""

from __future__ import annotations

import os
import sys
import time

VARIABLE = "REGISTRATOR_HEARTBEAT"


def healthcheck() -> int:
    """The command: 0 when the daemon is healthy, 1 with a reason on stderr when it is not."""
    reason = problem(os.environ.get(VARIABLE, ""), time.time())
    if reason:
        print(reason, file=sys.stderr)
    return 1 if reason else 0


def problem(path: str, now: float) -> str:
    """Why the daemon that writes this file is unhealthy, empty where it is healthy.

    The file contains the seconds for which it is valid after it was written, 0 for no limit.
    """
    if not path:
        return f"{VARIABLE} is not set"
    try:
        with open(path, encoding="ascii") as file:
            valid_for = float(file.read())
        age = now - os.stat(path).st_mtime
    except (OSError, ValueError) as error:
        return f"no heartbeat: {error}"
    if valid_for and age > valid_for:
        return f"the last heartbeat was {age:.0f} s ago, the limit is {valid_for:g} s"
    return ""
