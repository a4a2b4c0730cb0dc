"""Runs the lanes of `tests/run` side by side, and prints what they print."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .lanes import Lanes, Nox
from .tally import Tally
from .tiers import ROOT


class Runner:
    """Runs nox as often as the lanes say, and ends them all when it is interrupted."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Nothing runs yet."""
        self.tally = Tally()
        self._environment = environment
        self._running: list[subprocess.Popen[str]] = []
        self._interrupted = False

    def run(self, lanes: Lanes) -> None:
        """Run all lanes to their ends, whatever fails."""
        with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
            try:
                for each in [pool.submit(self._lane, lane, len(lanes) > 1) for lane in lanes]:
                    each.result()
            except BaseException:
                # Before the signals: a lane whose session ends by one begins no other.
                self._interrupted = True
                for process in self._running:
                    process.send_signal(signal.SIGINT)
                raise

    def _lane(self, lane: list[Nox], named: bool) -> None:
        """One nox after the other; each line names its first session."""
        for each in lane:
            if self._interrupted:
                return
            margin = f"{each.sessions[0]:11} │ " if named else ""
            with tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
                report = Path(scratch, "report.json")
                words = ["nox", "--report", str(report), "--session", *each.sessions, "--"]
                self._follow([*words, *each.arguments], each.variables, margin)
                if report.exists():
                    self.tally.ended(json.loads(report.read_text()), each.suffix)
                else:
                    self.tally.broke(each.sessions)

    def _follow(self, words: list[str], variables: Mapping[str, str], margin: str) -> None:
        """Run a command to its end, and print and count what it prints."""
        with subprocess.Popen(
            words,
            cwd=ROOT,
            # Only now: what set a lab aside says so to those that it starts.
            env={**os.environ, **self._environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            self._running.append(process)
            if self._interrupted:
                process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            for line in process.stdout:
                print(f"{margin}{line}", end="", flush=True)
                self.tally.read(line)
        self._running.remove(process)
