"""What a scenario's tests look at: the drill's own history, and what the agents say."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.profiles import profile_of

ROOT = pathlib.Path(__file__).resolve().parents[1]
HISTORIES = pathlib.Path(os.environ.get("MOLECULE_PROJECT_DIRECTORY", ".")) / ".drills"
HOSTS = {"host-1", "host-2", "host-3"}
_PAGE = "http://10.111.152.136/"
# A scenario's drills take minutes: what is older is another run's, and this one made none.
_YOUNG_SECONDS = 30 * 60
# What the machine did to the attempts of each drill that were repeated.
_REPEATED: dict[str, list[str]] = {}


@dataclasses.dataclass(frozen=True)
class Drill:
    """The latest history of a drill, with its verdict."""

    folder: pathlib.Path

    @property
    def verdict(self) -> dict[str, Any]:
        """What the checker said of it."""
        verdict: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return verdict

    def spoilt(self) -> bool:
        """Whether it was made a moment ago, and proves nothing: the drill was repeated."""
        file = self.folder / "verdict.json"
        young = file.exists() and time.time() - file.stat().st_mtime < _YOUNG_SECONDS
        return young and not self.verdict["stable"]

    @property
    def figures(self) -> dict[str, Any]:
        """What the checker measured."""
        figures: dict[str, Any] = self.verdict["figures"]
        return figures

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """The records of one of its files."""
        with (self.folder / name).open() as file:
            yield from map(json.loads, file)

    def windows(self) -> list[tuple[float, float]]:
        """From each fault to its healing, in seconds of the epoch."""
        marks = list(self.lines("marks.jsonl"))
        faults = [mark["at"] for mark in marks if mark["mark"] == "fault"]
        return list(zip(faults, [m["at"] for m in marks if m["mark"] == "healed"], strict=True))

    def hit(self, fault: int = 0) -> list[str]:
        """The hosts of a fault."""
        marks = [mark for mark in self.lines("marks.jsonl") if mark["mark"] == "fault"]
        hosts: list[str] = marks[fault]["hosts"]
        return hosts

    def answered(self, start: float, end: float) -> set[str]:
        """The instances that answered requests of this time."""
        requests = self.lines("requests.jsonl")
        return {r["instance"] for r in requests if start <= r["due"] < end and r.get("instance")}

    def away(self, seconds: int) -> dict[str, list[float]]:
        """The hosts that answered nothing for so long during a fault, and from when on.

        The first second of a fault is left out: what was under way is still answered.
        """
        found: dict[str, list[float]] = {}
        for fault, healed in self.windows():
            for start in range(int(fault) + 1, int(healed) - seconds, seconds):
                for host in HOSTS - self.answered(start, start + seconds):
                    found.setdefault(host, []).append(start)
        return found

    def events(self, kind: str, start: float = 0.0, end: float = float("inf")) -> list[Any]:
        """What the recorder saw change in this time, in order."""
        found = (e for e in self.lines("events.jsonl") if e["kind"] == kind)
        return [event for event in found if start <= event["at"] < end]

    def seen_failed(self, start: float, end: float) -> set[str]:
        """The nodes that some agent called failed in this time."""
        return {
            member["name"]
            for event in self.events("members", start, end)
            for member in event["members"] or ()
            if member["status"] == "failed"
        }


@pytest.fixture
def drill() -> Callable[[str], Drill]:
    """The history that this run of the scenario made; fails where it made none."""

    def latest(name: str) -> Drill:
        folders = sorted((HISTORIES / name).glob("*/"))
        assert folders, f"{name} has no history"
        found = Drill(folders[-1])
        spoilt = itertools.takewhile(Drill.spoilt, map(Drill, reversed(folders[:-1])))
        _REPEATED[name] = [reason for each in spoilt for reason in each.verdict["reasons"]]
        age = time.time() - json.loads((found.folder / "drill.json").read_text())["started"]
        assert age < _YOUNG_SECONDS, f"the latest history of {name} is {age:.0f} s old"
        assert found.verdict["held"], found.verdict["reasons"]
        assert (found.folder / "report.html").stat().st_size > 0
        return found

    return latest


def _asked(host: Any, path: str, *, patience: int = 0) -> Any:
    """The decoded answer of the host's own agent, in the lab's profile."""
    command, given = profile_of(os.environ).command(path, patience=patience)
    if not given:
        return json.loads(host.check_output(command))
    # testinfra's own way has no standard input.
    answer = subprocess.run(
        ["ssh", "-F", str(ROOT / ".lab" / "ssh" / "config"), host.backend.host.name, command],
        input=given,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return json.loads(answer.stdout)


@pytest.fixture
def consul(host: Any) -> Callable[..., Any]:
    """What the host's own agent answers to a path."""
    return functools.partial(_asked, host)


@pytest.fixture
def answering(host: Any) -> Callable[[int], set[str]]:
    """The hosts that answer so many requests, sent from this one."""

    def answering(requests: int) -> set[str]:
        command = f"for n in $(seq {requests}); do curl -fsS {_PAGE}; echo; done"
        return {line.split()[3] for line in host.check_output(command).splitlines() if line}

    return answering


@pytest.fixture
def whole(consul: Callable[..., Any]) -> None:
    """The host's agent sees every server alive and voting, a leader, and what Docker runs here."""
    # A server whose last contact with the leader is 200 ms old is unhealthy: on a busy machine
    # that comes and goes.
    health = consul("/v1/operator/autopilot/health", patience=15)
    assert health["Healthy"]
    assert health["FailureTolerance"] == (len(health["Servers"]) - 1) // 2
    assert all(server["Voter"] for server in health["Servers"])
    raft = consul("/v1/agent/self")["Stats"]["raft"]
    assert raft["state"] in ("Leader", "Follower")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which drills held only when they were repeated, and why."""
    repeated = {name: reasons for name, reasons in _REPEATED.items() if reasons}
    if repeated:
        terminalreporter.write_line(f"{len(repeated)} passed on repetition:")
        for name, reasons in repeated.items():
            terminalreporter.write_line(f"  drill {name}: {'; '.join(reasons)}")
