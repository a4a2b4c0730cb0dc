"""Calls side by side in threads, without waiting for those that hang."""

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
    patience: float | None = None,
) -> dict[Item, Result | Exception]:
    """The results by item, an exception in the place of a result.

    After `patience` seconds without any new result the missing ones are given up: a TimeoutError
    stands for each. The threads are daemons, so that one that hangs delays no exit.
    """
    if not items or (patience is None and len(items) == 1):
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
            if not progress.wait(patience):
                left.clear()
                break
        # A copy: what comes after this is of no use to anybody.
        done = dict(results)
    return {item: done.get(item, TimeoutError("no answer")) for item in items}


def within(seconds: float, function: Callable[[], Result]) -> Result:
    """What the function gives or raises; TimeoutError when it takes longer than that."""
    result = each(lambda number: function(), [0], 1, seconds)[0]
    if isinstance(result, Exception):
        raise result
    return result


def _attempt(function: Callable[[Item], Result], item: Item) -> Result | Exception:
    try:
        return function(item)
    except Exception as error:
        return error
