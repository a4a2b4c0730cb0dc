"""What `tests/run` says in the end."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.suite.tally import REASONS, Tally


def ended(*results: tuple[str, str]) -> Tally:
    """What came of sessions with these results."""
    tally = Tally()
    for name, result in results:
        report = {"name": name, "signatures": [], "result": result, "duration": 1.4}
        tally.ended({"sessions": [report]})
    return tally


def test_tests_are_counted_over_all_sessions() -> None:
    """With those that passed on repetition, in a line of their own."""
    tally = ended(("unit", "success"), ("docs", "success"))
    tally.read("2 passed on repetition:\n")
    tally.read("\x1b[32m===== \x1b[32m\x1b[1m40 passed\x1b[0m, 3 deselected in 7.10s =====\n")
    tally.read("== 1 failed, 2 passed, 1 error in 1.00s ==\n")
    assert tally.table().splitlines()[-3:] == ["2 passed on repetition", "", "42 passed, 2 failed"]


def test_what_molecule_prints_of_a_scenarios_tests_is_counted() -> None:
    """It draws a margin before each line."""
    tally = ended(("scenarios", "success"))
    tally.read("  \x1b[2m│\x1b[0m 6 passed in 1.06s\n")
    assert tally.table().splitlines()[-1] == "6 passed, 0 failed"


def test_what_a_test_prints_is_not_counted() -> None:
    """A test of a test suite has closing lines in its source."""
    tally = ended(("unit", "success"))
    tally.read('    tally.read("== 1 failed, 2 passed in 1.00s ==")\n')
    tally.read("registered 3 passed services in 2 s\n")
    assert tally.table().splitlines()[-1] == "0 passed, 0 failed"


def test_a_session_that_fails_without_a_test_counts() -> None:
    """A linter has no tests."""
    tally = ended(("lint", "failed"), ("unit", "success"))
    assert tally.failed() == 1
    assert tally.table().splitlines()[-1] == "0 passed, 1 failed"


def test_a_nox_that_leaves_no_report_has_failed() -> None:
    """With the sessions that it was to run."""
    tally = Tally()
    tally.broke(("lint", "unit"))
    assert tally.failed() == 1
    assert tally.table().splitlines()[1].split() == ["lint", "unit", "failed", "0"]


def test_each_session_has_a_row() -> None:
    """By its signature where it has parameters, with its profile where it is another."""
    tally = Tally()
    core = {"name": "core", "signatures": ["core(2.17)"], "result": "success", "duration": 61.0}
    tally.ended({"sessions": [core]}, ", secure")
    assert tally.table().splitlines()[1].split() == ["core(2.17),", "secure", "success", "61"]


def test_the_last_reasons_are_repeated_below_the_table() -> None:
    """Whatever stands before them in the line, and no other line."""
    tally = Tally()
    tally.read("nothing of interest\n")
    for number in range(REASONS + 1):
        tally.read(f"\x1b[31mE       assert {number} == -1\n")
    reasons = [line for line in tally.table().splitlines() if "assert" in line]
    assert len(reasons) == REASONS
    assert reasons[-1].endswith(f"assert {REASONS} == -1")
