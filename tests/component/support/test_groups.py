"""What must not run at once shares a worker: pytest-xdist and pytest have to agree on that."""

from __future__ import annotations

import re

import pytest

pytest_plugins = ["pytester"]


def test_the_tests_of_a_group_share_a_worker(pytester: pytest.Pytester) -> None:
    """Six of one group, two workers: one of them has all six."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.xdist_group("role")
        @pytest.mark.parametrize("number", range(6))
        def test_it(number):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-v", "-n", "2", "--dist", "loadgroup")
    workers = re.findall(r"\[(gw\d)\].* PASSED", result.stdout.str())
    assert len(workers) == 6
    assert len({*workers}) == 1
