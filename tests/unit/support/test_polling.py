"""The one poller: what it returns, what it ignores, and when it gives up."""

from __future__ import annotations

import pytest
from rollcall_agents.polling import eventually, settled


def test_the_first_true_answer_is_returned() -> None:
    """Whatever it is."""
    answers = iter([None, "", "ready"])
    assert eventually("an answer", lambda: next(answers)) == "ready"


def test_nobody_who_answers_is_not_yet() -> None:
    """A refused connection is asked again, any other error is final."""
    answers = iter([ConnectionRefusedError(), "ready"])

    def look() -> str:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    assert eventually("an answer", look) == "ready"
    with pytest.raises(ZeroDivisionError):
        eventually("an answer", lambda: 1 // 0)


def test_the_deadline_names_what_did_not_come() -> None:
    """And the last error, where there was one."""

    def refused() -> bool:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(AssertionError, match="not in 0 s: a leader"):
        eventually("a leader", lambda: False, 0)
    with pytest.raises(AssertionError, match="nobody listens"):
        eventually("a leader", refused, 0)


def test_it_looks_again_after_the_deadline() -> None:
    """A machine that stood still past the deadline fails nobody."""
    answers = iter([False, True])
    assert eventually("an answer", lambda: next(answers), 0.05)


def test_who_only_waits_fails_nothing() -> None:
    """The look that follows says how it is."""
    looks: list[int] = []
    settled(lambda: bool(looks.append(1)), 0)
    assert looks
