"""What a stream of answers says of a change."""

from __future__ import annotations

from rollcall_bench.figures.changes import Answer, Change, first_after, last_after, rows

STREAM = (
    Answer("a", 10.0, 10.1),
    Answer("b", 10.2, 10.3),
    Answer("a", 10.4, 10.5),
    Answer("b", 10.6, 10.7),
)


def test_the_first_answer_of_an_instance_counts_when_it_came() -> None:
    """One that has not answered has none."""
    assert first_after(STREAM, "b", 10.0) == 10.3 - 10.0
    assert first_after(STREAM, "c", 10.0) is None


def test_the_last_request_to_an_instance_counts_when_it_was_sent() -> None:
    """One that got none left at once."""
    assert last_after(STREAM, "b", 10.0) == 10.6 - 10.0
    assert last_after(STREAM, "c", 10.0) == 0


def test_a_figure_has_its_median_and_its_slowest() -> None:
    """Each in milliseconds, of each contender."""
    ours = [Change(0.01, 0.02, 0.03), Change(0.03, 0.02, 0.05), Change(0.02, 0.02, 0.01)]
    plain = [Change(0.1, 0.2, 0.3)]
    found = {row.title: row.values for row in rows({"ours": ours, "plain": plain})}
    assert found["registered, first answer, median ms"] == (20, 100)
    assert found["deregistered, last request, slowest ms"] == (50, 300)
