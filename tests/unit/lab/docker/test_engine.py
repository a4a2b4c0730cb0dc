"""What the lab's own engine changes on the machine, `lab/down` puts back."""

from __future__ import annotations

import pathlib
import subprocess
import types

import pytest
from rollcall_lab.docker import engine


class Machine:
    """A machine that forwards nothing, until a dockerd starts and drops what it does not know."""

    # No process has this id, so that nothing is ever sent a signal.
    pid = 0

    def __init__(self, folder: pathlib.Path, policy: str) -> None:
        """Nothing was started yet."""
        self.policy = policy
        self.forwarding = folder / "ip_forward"
        self.forwarding.write_text("0\n")

    @property
    def state(self) -> tuple[str, str]:
        """The firewall's policy and whether the machine forwards."""
        return self.policy, self.forwarding.read_text()

    def popen(self, command: list[str], **_options: object) -> Machine:
        """Start a dockerd."""
        assert command == ["dockerd"]
        self.policy = "DROP"
        self.forwarding.write_text("1\n")
        return self

    def output(self, command: list[str]) -> str:
        """What the firewall's programs print and do; any other does nothing."""
        if command[:-1] == ["iptables", "-P", "FORWARD"]:
            self.policy = command[-1]
        return f"*filter\n:FORWARD {self.policy} [0:0]\nCOMMIT\n"


@pytest.fixture(params=["ACCEPT", "DROP"])
def machine(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    """The machine that the engine's module sees instead of this one."""
    made = Machine(tmp_path, request.param)
    processes = types.SimpleNamespace(
        Popen=made.popen, run=lambda *_words, **_options: None, DEVNULL=subprocess.DEVNULL
    )
    monkeypatch.setattr(engine, "subprocess", processes)
    monkeypatch.setattr(engine, "output", made.output)
    monkeypatch.setattr(engine, "STATE", tmp_path)
    monkeypatch.setattr(engine, "_PID", tmp_path / "dockerd.pid")
    monkeypatch.setattr(engine, "_BEFORE", tmp_path / "before-dockerd.json")
    monkeypatch.setattr(engine, "_FORWARDING", made.forwarding)
    monkeypatch.setattr(engine, "_WEIGHTS", {tmp_path / "cpu.shares": 1024})
    return made


@pytest.mark.parametrize("starts", [1, 2, 3])
def test_what_was_before_the_first_start_is_put_back(machine: Machine, starts: int) -> None:
    """An engine that died leaves its changes behind: the next one must not take them for ours."""
    before = machine.state
    for _ in range(starts):
        engine._start_dockerd()
    assert machine.state == ("DROP", "1\n")
    engine.stop_own()
    assert machine.state == before


def test_after_a_stop_the_machine_is_looked_at_anew(machine: Machine) -> None:
    """What a person changes between two labs stays."""
    engine._start_dockerd()
    engine.stop_own()
    machine.forwarding.write_text("1\n")
    engine._start_dockerd()
    engine.stop_own()
    assert machine.state[1] == "1\n"


def test_the_containers_of_the_labs_own_engine_come_first(
    machine: Machine, tmp_path: pathlib.Path
) -> None:
    """A person's engine keeps its weight; the lab's own has it back when it ends."""
    weight = tmp_path / "cpu.shares"
    weight.write_text("1024\n")
    engine.raise_cpu_weight()
    assert weight.read_text() == "1024\n"
    engine._start_dockerd()
    engine.raise_cpu_weight()
    assert weight.read_text() == "10240\n"
    engine.stop_own()
    assert weight.read_text() == "1024\n"
