"""A person reads which step ended."""

from __future__ import annotations

import pytest
from rollcall_lab import progress


def test_a_step_alone_ends_without_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Its heading stands right above."""
    with progress.step("Building an image"):
        pass
    heading, end = capsys.readouterr().out.splitlines()
    assert heading == "▸ Building an image"
    assert end.endswith(" s")


def test_of_steps_beside_each_other_the_older_ends_by_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Which of two is done is not a matter of guessing."""
    with progress.step("Compiling Consul"), progress.step("Building an image"):
        pass
    _first, _second, inner, outer = capsys.readouterr().out.splitlines()
    assert inner.endswith(" s")
    assert outer.endswith(" s: Compiling Consul")
