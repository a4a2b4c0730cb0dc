"""A random order of faults that anybody can repeat."""

from __future__ import annotations

import collections

from hypothesis import given, settings
from hypothesis import strategies as st
from rollcall_drills.schedule import Step, schedule

NAMES = st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True)


def test_the_same_seed_gives_the_same_list_for_ever() -> None:
    """These very steps: a failing seed of last year can be run again."""
    steps = schedule(7, 4, ["h1", "h2", "h3"], ["kill", "pause"], (5, 15))
    assert steps == [
        Step(1, "pause", "h3", 5.7),
        Step(2, "kill", "h2", 5.9),
        Step(3, "pause", "h1", 9.2),
        Step(4, "kill", "h2", 13.3),
    ]


def test_another_seed_gives_another_list() -> None:
    """Thirty faults hardly ever come in the same order."""
    lists = {str(schedule(seed, 30, ["a", "b", "c"], ["x", "y"], (5, 15))) for seed in range(20)}
    assert len(lists) == 20


# A loaded machine may take long over an example.
@settings(deadline=None, database=None)
@given(st.integers(), st.integers(1, 60), NAMES, NAMES)
def test_every_fault_and_every_host_has_its_share(
    seed: int, count: int, hosts: list[str], faults: list[str]
) -> None:
    """None is left out while there is room, and none comes up twice more than another."""
    steps = schedule(seed, count, hosts, faults, (1, 2))
    assert [step.number for step in steps] == list(range(1, count + 1))
    for names, used in ((hosts, [s.host for s in steps]), (faults, [s.fault for s in steps])):
        counts = collections.Counter(used)
        assert len(counts) == min(count, len(names))
        assert max(counts.values()) - min(counts[name] for name in names) <= 1
    assert all(1 <= step.hold_seconds <= 2 for step in steps)
