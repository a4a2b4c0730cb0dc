"""One comparison decides what check mode, diff and the real run say."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._base.plan import Diff
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=25, deadline=None, database=None)

SIDES = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3)


def test_two_different_sides_are_a_change() -> None:
    """A plan whose sides differ changes something."""
    assert Diff({"state": "absent"}, {"state": "running"}).changed


@pytest.mark.parametrize("diff", [True, False])
def test_changed_is_told_with_and_without_diff(diff: bool) -> None:
    """`--diff` adds to the report and takes nothing from it."""
    assert Diff({}, {"a": 1}).report(diff=diff)["changed"] is True


def test_the_sides_are_shown_where_they_are_asked_for() -> None:
    """With `--diff` the report carries both sides."""
    report = Diff({"a": 1}, {"a": 2}).report(diff=True)
    assert report["diff"] == {"before": {"a": 1}, "after": {"a": 2}}


def test_the_sides_are_kept_back_where_nobody_asked() -> None:
    """Without `--diff` nothing of the content leaves the module."""
    assert Diff({"a": 1}, {"a": 2}).report(diff=False) == {"changed": True}


@LAW
@given(side=SIDES)
def test_equal_sides_are_no_change(side: dict[str, t.Any]) -> None:
    """Whatever the content, a side equals its copy."""
    assert not Diff(side, dict(side)).changed


@LAW
@given(before=SIDES, after=SIDES)
def test_a_change_looks_the_same_from_both_ends(
    before: dict[str, t.Any], after: dict[str, t.Any]
) -> None:
    """Undoing is a change exactly when doing is one."""
    assert Diff(before, after).changed == Diff(after, before).changed
