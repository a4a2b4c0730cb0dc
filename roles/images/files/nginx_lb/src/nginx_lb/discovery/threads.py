"""Threads that only their owner ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rollcall_common.backoff import Backoff

# The first and the longest pause after a failure.
_BACKOFF_SECONDS = (0.25, 5.0)


def repeat(
    name: str,
    step: Callable[[], None],
    stop: threading.Event,
    on_failure: Callable[[str, Exception], None],
) -> None:
    """Call `step` again and again in a thread of its own, until `stop` is set.

    Nothing that the step raises ends the thread: `on_failure` gets the name and the exception, and
    the step is called again after a pause.
    """

    def run() -> None:
        backoff = Backoff(*_BACKOFF_SECONDS)
        while not stop.is_set():
            try:
                step()
            except Exception as error:
                if not stop.is_set():
                    on_failure(name, error)
                    stop.wait(backoff.fail())
            else:
                backoff.succeed()

    threading.Thread(target=run, name=name, daemon=True).start()
