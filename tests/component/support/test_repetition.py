"""A failure is the machine's where the machine stood still, and its repetition is counted."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

# usleep of a library that keeps the interpreter's lock: no other thread runs meanwhile.
STALLED = """
import ctypes
runs = []

def test_once():
    runs.append(1)
    if len(runs) <= {spoilt}:
        ctypes.PyDLL(None).usleep(700000)
        assert False, "too late"

def test_wrong():
    assert {holds}
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of its own that has the plugin."""
    plugin = "ansible_collections.rollcall.discovery.tests.support.suite.repetition"
    pytester.makeconftest(f'pytest_plugins = ["{plugin}"]')
    return pytester


def test_what_the_machine_spoilt_is_repeated_and_counted(run: pytest.Pytester) -> None:
    """The suite is green, and says which test needed it."""
    run.makepyfile(STALLED.format(spoilt=1, holds=True))
    result = run.runpytest_subprocess()
    assert result.parseoutcomes() == {"passed": 2, "rerun": 1}
    result.stdout.fnmatch_lines(["1 passed on repetition:", "  *::test_once"])


def test_it_is_repeated_only_once(run: pytest.Pytester) -> None:
    """A test that the machine spoils twice fails, with how long it stood still."""
    run.makepyfile(STALLED.format(spoilt=2, holds=True))
    result = run.runpytest_subprocess()
    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "rerun": 1}
    result.stdout.fnmatch_lines(["*MachineStalled: this machine stood still for * s*: too late*"])


def test_any_other_failure_is_final(run: pytest.Pytester) -> None:
    """The product is wrong: nothing is repeated."""
    run.makepyfile(STALLED.format(spoilt=0, holds=False))
    result = run.runpytest_subprocess()
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    assert "passed on repetition" not in result.stdout.str()
