"""One `lab/up` or `lab/down` at a time on a machine: two would build and remove the same things."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
from collections.abc import Iterator

from ..progress import step
from ..settings import CACHE

LOCK = CACHE / "lab.lock"


@contextlib.contextmanager
def exclusive(path: pathlib.Path = LOCK) -> Iterator[None]:
    """Hold the lock of this file; wait for the process that has it. It ends with this process.

    Not for what runs a `lab/up` itself, which would wait for it for ever.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("Waiting for another lab/up or lab/down to end"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
