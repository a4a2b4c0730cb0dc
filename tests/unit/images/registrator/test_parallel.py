"""Many calls at a time, and none that hangs is waited for."""

from __future__ import annotations

import threading

import pytest
from registrator.parallel import each, with_timeout


@pytest.mark.parametrize("stall_seconds", [None, 1.0])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_every_item_has_its_result(count: int, stall_seconds: float | None) -> None:
    """Whatever the order in which they come."""
    assert each(lambda number: number * 2, range(count), 4, stall_seconds) == {
        number: number * 2 for number in range(count)
    }


@pytest.mark.parametrize("stall_seconds", [None, 1.0])
@pytest.mark.parametrize("items", [[0], [0, 1, 2]])
def test_an_error_is_a_result(items: list[int], stall_seconds: float | None) -> None:
    """One that fails costs the others nothing."""
    results = each(lambda number: 1 // number, items, 2, stall_seconds)
    assert isinstance(results[0], ZeroDivisionError)
    assert all(results[number] == 1 // number for number in items[1:])


def test_what_hangs_is_given_up() -> None:
    """What hangs has no result, and what nobody began by then is not begun any more."""
    release = threading.Event()
    begun: set[int] = set()

    def work(number: int) -> int:
        begun.add(number)
        release.wait(5)
        return number

    results = each(work, [0, 1, 2, 3], 2, stall_seconds=0.02)
    release.set()
    assert all(isinstance(result, TimeoutError) for result in results.values())
    assert begun <= {0, 1}
    assert set(results) == {0, 1, 2, 3}


def test_what_hangs_hides_no_result_that_was_there() -> None:
    """The results that came before the timeout are kept."""
    release, first = threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number:
            first.wait(5)
            release.wait(5)
        first.set()
        return number

    results = each(work, [0, 1], 2, stall_seconds=0.05)
    release.set()
    assert results[0] == 0
    assert isinstance(results[1], TimeoutError)


def test_one_call_has_its_time() -> None:
    """Its result, its error, or none in time."""
    release = threading.Event()
    assert with_timeout(1.0, lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        with_timeout(1.0, lambda: 1 // 0)
    with pytest.raises(TimeoutError):
        with_timeout(0.01, lambda: release.wait(5))
    release.set()
