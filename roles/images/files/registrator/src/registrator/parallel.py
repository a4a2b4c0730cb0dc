"""Runs calls in parallel threads, and does not wait for those that hang."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    stall_seconds: float | None = None,
) -> dict[Item, Result | Exception]:
    """Call the function for each item; the results by item, an exception in place of a result.

    When no call finishes for `stall_seconds`, the remaining ones are given up, each with a
    TimeoutError. The threads are daemon threads: one that hangs does not delay the exit.
    """
    if not items or (stall_seconds is None and len(items) == 1):
        return {item: _attempt(function, item) for item in items}
    results: dict[Item, Result | Exception] = {}
    progress = threading.Condition()
    left = collections.deque(items)

    def work() -> None:
        while True:
            with progress:
                if not left:
                    return
                item = left.popleft()
            result = _attempt(function, item)
            with progress:
                results[item] = result
                progress.notify()

    for number in range(min(workers, len(items))):
        threading.Thread(target=work, name=f"worker-{number}", daemon=True).start()
    with progress:
        while len(results) < len(items):
            if not progress.wait(stall_seconds):
                left.clear()
                break
        # A copy: calls that were given up may still add their results.
        done = dict(results)
    return {item: done.get(item, TimeoutError("no answer")) for item in items}


def with_timeout(seconds: float, function: Callable[[], Result]) -> Result:
    """The function's result or exception; TimeoutError when it takes longer than that."""
    result = each(lambda number: function(), [0], 1, seconds)[0]
    if isinstance(result, Exception):
        raise result
    return result


def _attempt(function: Callable[[Item], Result], item: Item) -> Result | Exception:
    try:
        return function(item)
    except Exception as error:
        return error
