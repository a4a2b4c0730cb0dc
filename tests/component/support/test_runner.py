"""Who ends `tests/run` ends all of it."""

from __future__ import annotations

import os
import pathlib
import signal
import threading

import pytest
from ansible_collections.rollcall.discovery.tests.support.suite.lanes import Nox
from ansible_collections.rollcall.discovery.tests.support.suite.runner import Runner
from rollcall_agents.polling import eventually


def test_nothing_more_begins_after_an_interrupt(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The session that runs is ended, and the rest of its lane is not begun."""
    begun = tmp_path / "begun"
    nox = tmp_path / "nox"
    nox.write_text(f'#!/bin/sh\necho "$*" >> {begun}\nexec sleep 60\n')
    nox.chmod(0o755)
    runner = Runner({"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    def interrupt() -> None:
        eventually("a session", begun.exists)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        runner.run([[Nox(("lab",)), Nox(("soak",))]])
    assert "--session lab" in begun.read_text()
    assert "--session soak" not in begun.read_text()
