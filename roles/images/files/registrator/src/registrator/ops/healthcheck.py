"""`registrator healthcheck`: asks the file in which the daemon says that it is well.

Imports next to nothing: a container engine runs this every few seconds.
"""

from __future__ import annotations

import os
import sys
import time

VARIABLE = "REGISTRATOR_HEARTBEAT"


def healthcheck() -> int:
    """The command: 0 when the daemon is well, 1 with a reason on stderr when it is not."""
    problem = trouble(os.environ.get(VARIABLE, ""), time.time())
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def trouble(path: str, now: float) -> str:
    """Why the daemon that writes this file is not well, empty where it is.

    The file holds the seconds that it is good for after it was written, 0 for ever.
    """
    if not path:
        return f"{VARIABLE} names no file"
    try:
        with open(path, encoding="ascii") as file:
            good_for = float(file.read())
        age = now - os.stat(path).st_mtime
    except (OSError, ValueError) as error:
        return f"no heartbeat: {error}"
    if good_for and age > good_for:
        return f"the last heartbeat was {age:.0f} s ago, at most {good_for:g} are good"
    return ""
