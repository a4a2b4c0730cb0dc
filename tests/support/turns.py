"""Processes that must not do the same thing at once, on one machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Wait until nobody else has the turn of this name, and have it; it ends with the process."""
    path = pathlib.Path(tempfile.gettempdir()) / f"rollcall-tests-{os.getuid()}-{name}.lock"
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
