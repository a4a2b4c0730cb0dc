"""An engine with lab hosts that exists in memory, behind the lab's `run` and `output`."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import pathlib
from collections.abc import Sequence

import pytest
from rollcall_lab import commands, set_aside, settings
from rollcall_lab.docker import engine, images
from rollcall_lab.files import state
from rollcall_lab.hosts import containers, machines
from rollcall_lab.progress import LabError

KEY = ".lab/ssh/id_ed25519.pub"


class Killed(BaseException):
    """The process that works on the lab has ended in the middle."""


@dataclasses.dataclass
class Inner:
    """A container inside a host, with its restart policy."""

    state: str = "running"
    policy: str = "unless-stopped"
    # Whether it ran when its engine stopped.
    ran: bool = False


@dataclasses.dataclass
class Machine:
    """A lab host: its label, its containers, and whether an engine answers in it."""

    key: str
    inside: dict[str, Inner] = dataclasses.field(default_factory=dict)
    state: str = "running"
    answers: bool = True
    files: dict[str, str] = dataclasses.field(default_factory=dict)

    def boot(self) -> None:
        """Start the engine, which starts what has a restart policy."""
        for each in self.inside.values():
            if each.policy == "always" or (each.policy == "unless-stopped" and each.ran):
                each.state = "running"
        self.state, self.answers = "running", True

    def shut_down(self) -> None:
        """Stop the engine with everything in it."""
        for each in self.inside.values():
            each.ran = each.state in ("running", "paused")
            each.state = "exited"
        self.state = "exited"


class FakeDocker:
    """The machine's engine and the checkout at `root`; dies after `dies_at` commands."""

    def __init__(self, root: pathlib.Path) -> None:
        """No host is there, and no file of a lab."""
        self.root = root
        self.machines: dict[str, Machine] = {}
        self.other: set[str] = set()
        self.asked: list[str] = []
        self.dies_at: int | None = None

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Stand in for the engine and the checkout."""
        for module in (commands, engine, machines, images, containers, set_aside):
            patch.setattr(module, "output", self.output, raising=False)
            patch.setattr(module, "run", self.run, raising=False)
        for module in (settings, state, commands):
            patch.setattr(module, "ROOT", self.root)
        patch.setattr(settings, "STATE", self.root / ".lab")
        patch.setattr(machines, "_KEY", (self.root / KEY).with_suffix(""))

    def make_key(self, text: str) -> str:
        """Give the checkout a key; returns what its hosts have as a label."""
        (self.root / KEY).parent.mkdir(parents=True, exist_ok=True)
        (self.root / KEY).write_text(text)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def run(self, command: Sequence[str], *, remedy: str, **_options: object) -> None:
        """Do what the command says; LabError when it fails."""
        if self.output(command) is None:
            raise LabError(" ".join(command), remedy)

    def output(self, command: Sequence[str], **_options: object) -> str | None:
        """What the command prints, None when it fails."""
        if len(self.asked) == self.dies_at:
            raise Killed
        self.asked.append(" ".join(command))
        if command[0] != "docker":
            return ""
        return getattr(self, f"_{command[1]}")(*command[2:])  # type: ignore[no-any-return]

    def _ps(self, *_words: str) -> str:
        return "\n".join([*self.machines, *self.other])

    def _info(self, *_words: str) -> str:
        return "28.5"

    def _container(self, _inspect: str, *words: str) -> str | None:
        template, name = words[-2:] if len(words) > 1 else ("", words[0])
        if name in self.other:
            return ""
        if name not in self.machines:
            return None
        machine = self.machines[name]
        return machine.state if "State" in template else machine.key

    def _rename(self, name: str, other: str) -> str | None:
        if other in self.machines:
            return None
        self.machines[other] = self.machines.pop(name)
        return ""

    def _stop(self, *words: str) -> str:
        for name in words[2:]:
            if self.machines[name].state != "exited":
                self.machines[name].shut_down()
        return ""

    def _start(self, name: str) -> str | None:
        if name in self.other:
            return ""
        address = name.partition(".")[0]
        taken = [
            other
            for other, machine in self.machines.items()
            if machine.state != "exited" and other.partition(".")[0] == address and other != name
        ]
        if taken:
            return None
        if self.machines[name].state == "exited":
            self.machines[name].boot()
        return ""

    def _pause(self, name: str) -> str:
        self.machines[name].state = "paused"
        return ""

    def _unpause(self, name: str) -> str:
        self.machines[name].state = "running"
        return ""

    def _rm(self, *words: str) -> str:
        for name in words[2:]:
            self.machines.pop(name, None)
            self.other.discard(name)
        return ""

    def _network(self, *_words: str) -> str:
        return ""

    _volume = _network

    def _cp(self, source: str, target: str) -> str | None:
        if ":" in target:
            name, _, path = target.partition(":")
            self.machines[name].files[path] = pathlib.Path(source).read_text()
            return ""
        name, _, path = source.partition(":")
        if path not in self.machines[name].files:
            return None
        pathlib.Path(target).write_text(self.machines[name].files[path])
        return ""

    def _exec(self, name: str, *words: str) -> str | None:
        machine = self.machines[name]
        if machine.state != "running":
            return None
        if words[:2] == ("rm", "-f"):
            machine.files.pop(words[2], None)
            return ""
        if words[0] == "systemctl":
            return "active"
        if not machine.answers:
            return None
        if words[1] == "ps":
            return "\n".join(f"{inside}\t{each.state}" for inside, each in machine.inside.items())
        states = {"start": "running", "stop": "exited", "pause": "paused"}
        missing = [each for each in words[2:] if each not in machine.inside]
        for each in words[2:]:
            if each in machine.inside:
                machine.inside[each].state = states[words[1]]
        return None if missing else ""


@pytest.fixture(name="docker")
def docker_fixture(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """An engine without a lab."""
    made = FakeDocker(tmp_path)
    made.install(monkeypatch)
    monkeypatch.setattr(set_aside, "exclusive", contextlib.nullcontext)
    monkeypatch.delenv(set_aside.VARIABLE, raising=False)
    return made


@pytest.fixture(name="lab")
def lab_fixture(docker: FakeDocker) -> dict[str, Machine]:
    """A person's lab of two hosts, and how it is to be found again."""
    key = docker.make_key("mine")
    docker.machines = {
        "host-1": Machine(key, {"web": Inner(), "consul": Inner()}),
        "host-2": Machine(key, {"web": Inner(), "own": Inner(policy="no")}),
    }
    return copy.deepcopy(docker.machines)
