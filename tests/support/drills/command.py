"""The command `drill` in the test's own process, and what is waited for between its calls."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import pytest
from rollcall_agents.polling import eventually
from rollcall_drills.analysis.bounds import LEAST_CALM_REQUESTS, judge
from rollcall_drills.cli import main
from rollcall_drills.history.folder import Folder, load

Drill = Callable[..., str]
# The program that roles/drill/files/drill runs, for a process of its own.
DRILL = pathlib.Path(__file__).resolve().parents[3] / "roles" / "drill" / "files" / "drill.py"


@pytest.fixture(name="drill")
def drill_fixture(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Drill:
    """`drill(*words, status=0, token="")`: what it prints on both channels, and ends with."""

    def run(*words: str | os.PathLike[str], status: int = 0, token: str = "") -> str:
        monkeypatch.setenv("CONSUL_HTTP_TOKEN", token)
        capsys.readouterr()
        try:
            ended = main([str(word) for word in words])
        except SystemExit as left:
            # argparse leaves so.
            ended = left.code
        printed = capsys.readouterr()
        assert ended == status, printed.out + printed.err
        return printed.out + printed.err

    return run


def until_the_calm_counts(history: pathlib.Path) -> None:
    """Wait until a history that is being written has as many requests of the calm as prove it.

    What the page was asked does not tell: after a standstill of the machine that are requests which
    were due before the calm.
    """
    folder = Folder(history)
    eventually(
        f"{LEAST_CALM_REQUESTS} requests of the calm",
        lambda: judge(load(folder), {}).figures.calm_requests >= LEAST_CALM_REQUESTS,
    )
