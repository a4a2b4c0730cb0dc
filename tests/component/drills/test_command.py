"""`roles/drill/files/drill` as a person runs it: each command is a process."""

from __future__ import annotations

import fcntl
import json
import pathlib
import subprocess
import sys
import time

from ansible_collections.rollcall.discovery.tests.support.drills.command import (
    DRILL,
    until_the_calm_counts,
)
from ansible_collections.rollcall.discovery.tests.support.drills.stories import host_dies, story
from rollcall_drills.history.folder import Folder
from rollcall_drills.observer.lifecycle import observer_pid

from .fakes import Cluster, page, serving


def drill(*words: str | pathlib.Path) -> str:
    """What the command prints; it succeeds, and says nothing on its error channel."""
    result = subprocess.run(
        [sys.executable, str(DRILL), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_a_drill_from_start_to_report(history: pathlib.Path) -> None:
    """start, marks, stop, judge, report: what a playbook does."""
    cluster = Cluster()
    with serving(page) as web, serving(cluster.respond) as agent:
        drill(
            *("start", "--history", history, "--url", web.url, "--rate", "100"),
            *("--consul", agent.url, "--name", "Lose a host"),
            *("--description", "One of two."),
        )
        folder = Folder(history)
        assert observer_pid(folder) is not None
        drill("mark", "--history", history, "calm")
        until_the_calm_counts(history)
        drill(
            *("mark", "--history", history, "fault", "--detail", "docker kill"),
            *("--host", "host-2", "--address", "127.0.0.2"),
        )
        cluster.passing.pop()
        agent.serve(60)
        drill("mark", "--history", history, "healed", "--host", "host-2")
        web.serve(30)
        drill("mark", "--history", history, "settled")
        assert "everything is written" in drill("stop", "--history", history)
        assert observer_pid(folder) is None
        assert "no observer is running" in drill("stop", "--history", history)
    table = drill(
        *("judge", "--history", history, "--bounds", '{"failed": 0, "out_of_catalog_s": 20}')
    )
    assert "held" in table.splitlines()[-1]
    verdict = json.loads((history / "verdict.json").read_text())
    assert verdict["held"]
    assert verdict["figures"]["distribution"].keys() == {"host-1", "host-2"}
    assert (history / "observer.log").read_text() == ""
    report = pathlib.Path(drill("report", "--history", history).strip())
    assert "Lose a host" in report.read_text()
    assert json.loads((history / "report.json").read_text())["description"] == "One of two."


def test_a_lock_without_a_process_id_yet_is_waited_for(tmp_path: pathlib.Path) -> None:
    """Between the lock and the first line an observer is there, but nameless."""
    folder = story().calm().write(tmp_path / "history")
    with folder.pid.open("w") as pid:
        fcntl.flock(pid, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, str(DRILL), "mark", "--history", str(folder.path), "note"]
        ) as marking:
            time.sleep(0.3)
            assert marking.poll() is None
            pid.write("4711\n")
            pid.flush()
            assert marking.wait(10) == 0


def test_a_history_is_judged_and_drawn_anywhere(tmp_path: pathlib.Path) -> None:
    """Without any package but Python's own; only start asks for one, and says which."""
    path = host_dies().write(tmp_path / "history").path
    for words, status in (
        (("judge", "--history", str(path)), 0),
        (("report", "--history", str(path)), 0),
        (("start", "--history", str(tmp_path / "new"), "--url", "http://127.0.0.1:1/"), 2),
    ):
        command = [sys.executable, "-S", str(DRILL), *words]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == status, result.stderr
    assert "h11 is missing" in result.stderr
    assert not (tmp_path / "new").exists()
