"""Polling ends when nothing is missing, or at its deadline."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._base.polling import (
    PAUSE_SECONDS,
    poll,
)


class Counter:
    """Returns 1, 2, 3, and raises what is in `errors` instead of the first ones."""

    def __init__(self, *errors: Exception) -> None:
        """Nobody has looked yet."""
        self.looks = 0
        self.errors = list(errors)

    def __call__(self) -> int:
        """One look."""
        self.looks += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.looks


def below(least: int) -> t.Callable[[int], list[str]]:
    """What is missing until the counter has this value."""
    return lambda found: [] if found >= least else [f"{found} of {least}"]


def late(found: int, missing: t.Sequence[str]) -> Exception:
    """The error at the deadline."""
    return TimeoutError(f"{found}: {missing[0]}")


def test_polling_ends_when_nothing_is_missing(clock: t.Any) -> None:
    """Each look but the first comes after a pause."""
    assert poll(Counter(), below(3), 60, failure=late) == 3
    assert clock.now == 2 * PAUSE_SECONDS


def test_without_time_there_is_one_look(clock: t.Any) -> None:
    """And no pause."""
    look = Counter()
    with pytest.raises(TimeoutError, match="1: 1 of 3"):
        poll(look, below(3), 0, failure=late)
    assert (look.looks, clock.now) == (1, 0)


def test_the_error_at_the_deadline_is_about_the_last_look(clock: t.Any) -> None:
    """Which is made at the deadline or later, never before."""
    with pytest.raises(TimeoutError, match="5: 5 of 9"):
        poll(Counter(), below(9), 1, failure=late)
    assert clock.now == 1


def test_without_a_failure_the_last_result_is_returned(clock: t.Any) -> None:
    """For whoever wants to know what is left."""
    assert poll(Counter(), below(9), 1) == 5
    assert clock.now == 1


def test_an_error_that_may_pass_is_retried(clock: t.Any) -> None:
    """It counts only where it is the last."""
    assert poll(Counter(OSError("first")), below(2), 60, retry_on=(OSError,)) == 2
    with pytest.raises(OSError, match="only"):
        poll(Counter(OSError("only")), below(1), 0, retry_on=(OSError,))


def test_any_other_error_ends_the_polling(clock: t.Any) -> None:
    """At once."""
    look = Counter(ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        poll(look, below(1), 60, retry_on=(OSError,))
    assert (look.looks, clock.now) == (1, 0)
