"""A run that set a lab aside is known by its process."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.rollcall.discovery.tests.support.fake_docker import (
    FakeDocker,
    Machine,
    docker_fixture,
    lab_fixture,
)
from rollcall_lab import set_aside
from rollcall_lab.progress import LabError

__all__ = ["docker_fixture", "lab_fixture"]


def test_a_run_that_was_killed_has_ended_before_its_parent_knows(
    docker: FakeDocker, lab: dict[str, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id and its start are still in the kernel's table."""
    process = subprocess.Popen(["sleep", "60"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: process.pid)
        set_aside.set_aside()
    with pytest.raises(LabError):
        set_aside.is_left_behind()
    process.kill()
    # Ended, and not yet waited for.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert set_aside.is_left_behind()
    process.wait()
