"""The process behind a drill, and the disk that it writes to."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.command import DRILL
from ansible_collections.rollcall.discovery.tests.support.drills.command import Drill as Command
from rollcall_drills.history.clock import Clock
from rollcall_drills.history.folder import Folder
from rollcall_drills.history.settings import Drill, Settings
from rollcall_drills.observer.lifecycle import observer_pid

from .fakes import page, serving

# The least that a pipe holds: some forty requests.
_PIPE_BYTES = 4096
_REQUESTS = 1000


def test_a_disk_that_does_not_write_delays_no_request(tmp_path: pathlib.Path) -> None:
    """A full pipe stands for the disk; what waited for it is written later."""
    folder = Folder(tmp_path)
    os.mkfifo(folder.requests)
    disk = os.open(folder.requests, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(disk, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    os.set_blocking(disk, True)
    written: list[bytes] = []
    with os.fdopen(disk, "rb") as disk_reader, serving(page) as web:
        clock = Clock.set_now()
        drill = Drill("disk", "", clock.now(), clock.offset, Settings(web.url))
        folder.drill.write_text(json.dumps(drill.to_json()))
        with subprocess.Popen([sys.executable, DRILL, "observe", "--history", tmp_path]) as process:
            try:
                web.serve(_REQUESTS)
                disk_again = threading.Thread(target=lambda: written.extend(disk_reader))
                disk_again.start()
                process.terminate()
                assert process.wait(30) == 0
                disk_again.join(30)
            finally:
                process.kill()
    assert sorted(json.loads(line)["n"] for line in written) == list(range(len(written)))
    assert len(written) >= _REQUESTS


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may have precedence")
def test_an_observer_runs_before_what_it_observes(drill: Command, history: pathlib.Path) -> None:
    """The hosts of a lab that starts take all of the processor otherwise."""
    with serving(page) as web:
        drill("start", "--history", history, "--url", web.url)
        pid = observer_pid(Folder(history))
        assert pid is not None
        assert os.getpriority(os.PRIO_PROCESS, pid) == -10
