"""Marks become phases, and marks that make no sense become sentences."""

from __future__ import annotations

import pytest
from rollcall_drills.analysis.phases import phases
from rollcall_drills.history.records import Mark, MarkName


def marks(*told: str) -> list[Mark]:
    """`fault host-1` at second 1, and so on."""
    return [
        Mark(float(at), MarkName(text.split()[0]), hosts=tuple(text.split()[1:]))
        for at, text in enumerate(told)
    ]


def test_one_fault_is_one_window() -> None:
    """From the fault to settled; healed is in between."""
    (window,) = phases(marks("calm", "fault", "healed", "settled"), 9).windows
    assert (window.start, window.end) == (1, 3)
    assert [fault.healed for fault in window.faults] == [2]


def test_several_faults_have_windows_of_their_own() -> None:
    """What is between them is calm again."""
    when = phases(marks("calm", "fault", "settled", "fault", "settled"), 9)
    assert [(window.start, window.end) for window in when.windows] == [(1, 2), (3, 4)]
    assert when.calm == 0
    assert when.problems == ()


def test_a_second_fault_before_settled_is_in_the_same_window() -> None:
    """Healing by host tells them apart."""
    told = marks("calm", "fault h1", "fault h2", "healed h2", "healed h1", "settled")
    (window,) = phases(told, 9).windows
    assert [(f.mark.hosts, f.healed) for f in window.faults] == [(("h1",), 4), (("h2",), 3)]


def test_healed_without_a_host_heals_all() -> None:
    """One mark may end several faults."""
    (window,) = phases(marks("calm", "fault h1", "fault h2", "healed", "settled"), 9).windows
    assert [fault.healed for fault in window.faults] == [3, 3]


def test_the_first_healing_counts() -> None:
    """A fault that was healed is not healed again."""
    when = phases(marks("calm", "fault h1", "healed h1", "healed h1", "settled"), 9)
    assert when.windows[0].faults[0].healed == 2
    assert when.problems == ("healed of h1 follows no fault of h1",)


def test_the_first_calm_counts() -> None:
    """A later one does not shorten it."""
    assert phases(marks("calm", "calm", "note"), 9).calm == 0


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (("calm", "settled"), "settled follows no fault"),
        (("calm", "healed"), "healed follows no fault"),
        (("calm", "fault h1", "healed h2", "settled"), "healed of h2 follows no fault of h2"),
        (("calm", "fault h1", "healed"), "the fault of h1 was never marked settled"),
    ],
)
def test_marks_that_make_no_sense_are_told(told: tuple[str, ...], problem: str) -> None:
    """A drill that marks wrongly is not judged as if it had marked rightly."""
    assert problem in phases(marks(*told), 9).problems


def test_an_open_window_ends_with_the_history() -> None:
    """What was not settled is never calm."""
    assert phases(marks("calm", "fault"), 9).windows[0].end == 9


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [(0.0, 0.9, False), (0.5, 1.5, True), (1.5, 1.6, True), (3.0, 3.5, True), (3.1, 9, False)],
)
def test_a_request_that_touches_a_window_belongs_to_it(
    start: float, end: float, inside: bool
) -> None:
    """One under way when the fault came may be its victim."""
    when = phases(marks("calm", "fault", "healed", "settled"), 9)
    assert (when.window_at(start, end) is not None) is inside
