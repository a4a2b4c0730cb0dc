"""What the words of `tests/run` mean."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.suite.lanes import Lanes, Nox, lanes_of
from ansible_collections.rollcall.discovery.tests.support.suite.tiers import (
    DEFAULT_SCENARIOS,
    FULL_SUITES,
    SESSIONS,
)


def sessions(stages: list[Lanes]) -> set[str]:
    """Every session that the stages run."""
    return {name for lanes in stages for lane in lanes for each in lane for name in each.sessions}


def test_without_a_word_the_default_tier_runs() -> None:
    """Nothing of the full tier."""
    found = [each for lanes in lanes_of([]) for lane in lanes for each in lane]
    assert sessions(lanes_of([])) == {*SESSIONS} - {*FULL_SUITES}
    assert not any(each.variables for each in found)


@pytest.mark.parametrize("words", [[], ["all"]], ids=["the default tier", "all"])
def test_nothing_runs_beside_a_drill(words: list[str]) -> None:
    """What it measures is the product."""
    for lanes in lanes_of(words):
        if sessions([lanes]) & {"scenarios", "soak"}:
            assert len(lanes) == 1


def test_all_is_every_session() -> None:
    """The scenarios twice: on an open lab, and on a secure one."""
    stages = lanes_of(["all"])
    assert sessions(stages) == {*SESSIONS}
    found = [each for lanes in stages for lane in lanes for each in lane]
    assert {each.variables["ROLLCALL_TIER"] for each in found} == {"all"}
    assert {each.suffix for each in found if "scenarios" in each.sessions} == {"", ", secure"}


def test_the_tutorial_has_the_machine_to_itself() -> None:
    """It begins without a lab, so it is the last stage."""
    assert lanes_of(["all"])[-1] == [[Nox(("tutorial",), {"ROLLCALL_TIER": "all"})]]


def test_a_name_is_a_session_or_a_scenario() -> None:
    """Sessions first, with what follows the two dashes."""
    scenario = DEFAULT_SCENARIOS[0]
    assert lanes_of(["unit", scenario, "docs", "--", "-x"]) == [
        [[Nox(("unit", "docs"), {}, ("-x",)), Nox(("scenarios",), {}, (scenario,))]]
    ]


def test_sessions_of_one_lab_run_in_an_order_that_works() -> None:
    """Whatever the order of the words: the tutorial begins without a lab, secure closes it."""
    [[[nox]]] = lanes_of(["scenarios", "lab", "soak", "tutorial"])
    assert nox.sessions == ("tutorial", "lab", "soak", "scenarios")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["unti"], "no check unti; there are all, lint, "),
        (["all", "unit"], "all has every check"),
        (["--", "-x"], "the sessions that are named before it"),
        (["all", "--", "-x"], "the sessions that are named before it"),
        (["leader_election", "--", "-x"], "the sessions that are named before it"),
    ],
)
def test_words_that_mean_nothing_are_refused(words: list[str], sentence: str) -> None:
    """Nothing runs that was not asked for, and no argument is dropped."""
    with pytest.raises(ValueError, match=sentence):
        lanes_of(words)
