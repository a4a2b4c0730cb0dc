"""Two that start or remove the lab take turns."""

from __future__ import annotations

import concurrent.futures
import pathlib

import pytest
from rollcall_agents.polling import eventually
from rollcall_lab.files.locking import exclusive


def test_the_second_waits_for_the_first_and_says_so(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It begins when the first has ended."""
    lock, order = tmp_path / "deep" / "lock", []

    def second() -> None:
        with exclusive(lock):
            order.append("second")

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with exclusive(lock):
            waiting = pool.submit(second)
            eventually("the sentence", lambda: "Waiting for another" in capsys.readouterr().out)
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]
    assert "done in" in capsys.readouterr().out


def test_a_lock_that_is_free_says_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, nobody waits."""
    for _ in range(2):
        with exclusive(tmp_path / "lock"):
            pass
    assert capsys.readouterr().out == ""
