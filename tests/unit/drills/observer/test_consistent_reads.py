"""Answered reads become stretches with and without a leader."""

from __future__ import annotations

from rollcall_drills.history.records import Reads
from rollcall_drills.observer.consistent_reads import ConsistentReads


def test_steady_answers_are_one_stretch() -> None:
    """The pace of reading is no gap."""
    readings = ConsistentReads(0.0)
    assert [readings.answer(n * 0.05) for n in range(1, 21)] == [[]] * 20
    assert readings.close(1.1) == [Reads(0.0, 1.1, True, 20)]


def test_a_gap_ends_one_stretch_and_begins_another() -> None:
    """From the last answer to the next one nobody led."""
    readings = ConsistentReads(0.0)
    readings.answer(0.1)
    assert readings.answer(2.1) == [Reads(0.0, 0.1, True, 1), Reads(0.1, 2.1, False, 0)]
    readings.answer(2.2)
    assert readings.close(2.3) == [Reads(2.1, 2.3, True, 2)]


def test_a_leaderless_beginning_and_end_are_told() -> None:
    """Time before the first and after the last answer counts too."""
    readings = ConsistentReads(0.0)
    assert readings.answer(1.0) == [Reads(0.0, 1.0, False, 0)]
    assert readings.close(3.0) == [Reads(1.0, 1.0, True, 1), Reads(1.0, 3.0, False, 0)]


def test_no_answer_at_all_is_one_gap() -> None:
    """Without any answer there is one stretch without a leader."""
    assert ConsistentReads(0.0).close(5.0) == [Reads(0.0, 5.0, False, 0)]


def test_an_answer_overtaken_by_another_opens_no_gap() -> None:
    """A read that was held back may be answered after a later one."""
    readings = ConsistentReads(0.0)
    readings.answer(0.15)
    readings.answer(0.1)
    assert readings.answer(0.31) == []
    assert readings.answered == 3
