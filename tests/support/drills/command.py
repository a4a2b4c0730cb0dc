"""The command `drill` in the test's own process."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from rollcall_drills.cli import main

Drill = Callable[..., str]


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
