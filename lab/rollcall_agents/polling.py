"""Waiting for a state: the one poller of the tests and of the benchmarks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

_PAUSE_SECONDS = 0.1
T = TypeVar("T")


def eventually(
    what: str,
    look: Callable[[], T],
    seconds: float = 60,
    *,
    ignore: tuple[type[Exception], ...] = (OSError,),
) -> T:
    """What `look` returns once it is true.

    `look` is called every 0.1 s; what it raises of `ignore` counts as "not yet". It is called at
    least once after the deadline has passed: a machine that stood still meanwhile fails nothing.
    AssertionError with `what` at the deadline.
    """
    deadline = time.monotonic() + seconds
    error: Exception | None = None
    while True:
        late = time.monotonic() >= deadline
        try:
            if found := look():
                return found
            error = None
        except ignore as raised:
            error = raised
        assert not late, f"not in {seconds} s: {what}" + (f" ({error!r})" if error else "")
        time.sleep(_PAUSE_SECONDS)


def settled(look: Callable[[], bool], seconds: float) -> None:
    """Poll until it holds or the time is over; whoever looks next says how it is."""
    with contextlib.suppress(AssertionError):
        eventually("", look, seconds)
