"""Figures stand beside the ratios that are worth more than they."""

from __future__ import annotations

from rollcall_bench.figures.table import Row, in_pairs, in_turns, table


def test_ours_is_compared_with_each_other_one() -> None:
    """A column for each, then a ratio for each but ours."""
    head, line = table(("ours", "first", "second"), [Row("seconds", (1.0, 4.0, 0.5), 1)])
    assert " ".join(head.split()) == "ours first second ours / first ours / second"
    assert " ".join(line.split()) == "seconds 1.0 4.0 0.5 0.250 2.000"


def test_nothing_has_no_ratio() -> None:
    """A dash stands for what cannot be divided by."""
    _head, line = table(("ours", "other"), [Row("connections", (1, 0))])
    assert " ".join(line.split()) == "connections 1 0 -"


def test_columns_are_below_their_titles() -> None:
    """However long a name is, a cell ends where its title does."""
    lines = list(table(("ours", "a long name indeed"), [Row("one", (1, 2)), Row("two", (3, 4))]))
    assert len({len(line) for line in lines}) == 1


def test_nobody_is_always_first() -> None:
    """Who comes first in a turn comes last in the next."""
    assert list(in_turns(("a", "b"), 2)) == [(0, "a"), (0, "b"), (1, "b"), (1, "a")]


def test_a_busy_while_strikes_both_of_a_pair() -> None:
    """Ours has nine tenths in each turn, however fast a turn was."""
    assert in_pairs([90, 9, 45], [100, 10, 50]) == "median 0.900, half of them from 0.900 to 0.900"


def test_pairs_tell_how_far_they_are_apart() -> None:
    """The quartiles stand beside the median; of one pair there are none."""
    told = in_pairs([1, 2, 3, 4, 5], [10, 10, 10, 10, 10])
    assert told == "median 0.300, half of them from 0.200 to 0.400"
    assert in_pairs([1], [4]) == "0.250"
