"""What failed is tried again ever more rarely, and forgotten when nobody wants it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollcall_common.backoff import Backoff, KeyedBackoff


def longest(_low: float, high: float) -> float:
    """No jitter: a wait is as long as it can be."""
    return high


def test_a_backoff_doubles_to_its_maximum_and_begins_anew() -> None:
    """A tenth of a second, two tenths … two seconds, and after a success a tenth again."""
    backoff = Backoff(0.1, 2.0, longest)
    assert [backoff.fail() for _attempt in range(6)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2])
    backoff.succeed()
    assert backoff.fail() == pytest.approx(0.1)


@given(st.integers(0, 10_000))
def test_a_backoff_is_shortened_at_random(failures: int) -> None:
    """Daemons of many hosts do not come back in step, and none waits longer than the maximum."""
    backoff = Backoff(0.1, 2.0, failures=failures)
    longest_wait = Backoff(0.1, 2.0, longest, failures).fail()
    assert longest_wait / 2 <= backoff.fail() <= longest_wait <= 2.0


def keyed() -> KeyedBackoff:
    """One second at first, a minute at most."""
    return KeyedBackoff(1.0, 60.0, longest)


def test_what_failed_waits_for_its_turn() -> None:
    """Each thing has a backoff of its own; the first failure is known as such."""
    waiting = keyed()
    assert waiting.ready(("a", "1"), 0)
    assert waiting.fail(("a", "1"), 0)
    assert not waiting.ready(("a", "1"), 0.9)
    assert waiting.ready(("a", "1"), 1.0)
    assert not waiting.fail(("a", "1"), 1.0)
    assert not waiting.ready(("a", "1"), 2.9)
    assert waiting.ready(("a", "2"), 1.0)
    assert (waiting.due(), waiting.failed("a"), waiting.failed("b")) == (3.0, [("a", "1")], [])


def test_what_worked_is_forgotten() -> None:
    """And so is everything when somebody says so."""
    waiting = keyed()
    waiting.fail(("a", "1"), 0)
    waiting.fail(("a", "2"), 0)
    waiting.forget(("a", "1"))
    assert waiting.ready(("a", "1"), 0)
    assert waiting.fail(("a", "1"), 0)
    waiting.clear()
    assert waiting.due() is None


def test_what_nobody_tries_any_more_lapses() -> None:
    """What could have been tried and was not is wanted by nobody."""
    waiting = keyed()
    waiting.fail(("a", "1"), 0)
    waiting.fail(("a", "2"), 5)
    waiting.expire(5)
    assert waiting.failed("a") == [("a", "2")]
