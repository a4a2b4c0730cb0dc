"""`lab/up`, `lab/down` and `lab/status` keep what is another checkout's, and what is set aside."""

from __future__ import annotations

import contextlib
import pathlib
import sys

import pytest
from ansible_collections.rollcall.discovery.tests.support.fake_docker import (
    KEY,
    FakeDocker,
    Inner,
    Machine,
)
from rollcall_lab import commands, environment, set_aside
from rollcall_lab.docker import engine, images
from rollcall_lab.hosts import machines
from rollcall_lab.settings import REGISTRY_NAME


@pytest.fixture
def docker(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """An engine with the registry and one host of this checkout's, on which a container runs."""
    made = FakeDocker(tmp_path)
    made.install(monkeypatch)
    made.machines = {"host-1": Machine(made.make_key("mine"), {"web": Inner()})}
    made.other = {REGISTRY_NAME}

    def ensure(_hosts: object) -> None:
        made.machines.setdefault("host-1", Machine("new"))

    monkeypatch.setattr(machines, "ensure", ensure)
    monkeypatch.setattr(environment, "ensure", lambda root, *, dev: root / ".venv")
    monkeypatch.setattr(engine, "stop_own", lambda: made.asked.append("stop_own"))
    monkeypatch.setattr(images, "ensure", lambda _hosts: None)
    monkeypatch.setattr(images, "fill_registry", list)
    monkeypatch.setattr(set_aside, "exclusive", contextlib.nullcontext)
    monkeypatch.delenv(set_aside.VARIABLE, raising=False)
    return made


@pytest.fixture
def foreign(docker: FakeDocker) -> FakeDocker:
    """The engine with a host of another checkout's instead."""
    docker.machines = {"host-1": Machine("of another checkout", {"web": Inner()})}
    return docker


@pytest.fixture
def left(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """The engine after a suite that was killed: the lab is set aside, and the suite's stands."""
    monkeypatch.setattr(set_aside, "_started", lambda _process: None)
    set_aside.set_aside()
    docker.machines["host-1"] = Machine(docker.make_key("the suite's"))
    return docker


def call(monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> int:
    """The exit status of a command of the lab's."""
    monkeypatch.setattr(sys, "argv", [f"lab/{name}", *options])
    status: int = getattr(commands, name)()
    return status


UP = ("--no-provision", "--hosts", "1")


def test_up_leaves_the_hosts_of_another_checkout(
    foreign: FakeDocker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with a sentence that names the option, and nothing has changed."""
    before = dict(foreign.machines)
    assert call(monkeypatch, "up", *UP) == 1
    assert foreign.machines == before
    error = capsys.readouterr().err
    assert "host-1: made by another checkout" in error
    assert "lab/up --replace" in error


def test_up_replaces_them_when_it_is_asked_to(
    foreign: FakeDocker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new host is another one."""
    assert call(monkeypatch, "up", *UP, "--replace") == 0
    assert foreign.machines == {"host-1": Machine("new")}
    assert "Removing host-1: made by another checkout" in capsys.readouterr().out


def test_up_keeps_the_hosts_of_its_own_checkout(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the option too."""
    before = dict(docker.machines)
    assert call(monkeypatch, "up", *UP, "--replace") == 0
    assert docker.machines == before


def test_up_brings_back_a_lab_that_is_set_aside(
    left: FakeDocker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite's lab is removed, and the person's is as it was: nothing is provisioned."""
    assert call(monkeypatch, "up") == 0
    assert list(left.machines) == ["host-1"]
    assert left.machines["host-1"].inside["web"].state == "running"
    assert (left.root / KEY).read_text() == "mine"
    assert "The lab is as it was" in capsys.readouterr().out
    assert not any("ansible-playbook" in each for each in left.asked)


@pytest.mark.parametrize("command", ["down", "status"])
def test_down_and_status_say_that_a_lab_is_set_aside(
    left: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """They change nothing and name what brings it back."""
    before = dict(left.machines)
    assert call(monkeypatch, command) == 1
    assert left.machines == before
    error = capsys.readouterr().err
    assert "a lab is set aside (host-1)" in error
    assert "lab/up brings it back" in error


def test_down_in_the_suite_removes_the_suites_lab_alone(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lab that is set aside needs the registry, the network and the engine again."""
    with set_aside.apart():
        docker.machines["host-1"] = Machine(docker.make_key("the suite's"))
        assert call(monkeypatch, "down") == 0
        assert list(docker.machines) == ["host-1.set-aside"]
        assert docker.other == {REGISTRY_NAME}
        assert "stop_own" not in docker.asked
        assert "Hosts of another checkout remain: host-1.set-aside" in capsys.readouterr().out
    assert docker.machines["host-1"].inside["web"].state == "running"


def test_down_leaves_the_hosts_of_another_checkout(
    foreign: FakeDocker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They need the registry, the network and the engine."""
    before = dict(foreign.machines)
    assert call(monkeypatch, "down") == 0
    assert foreign.machines == before
    assert foreign.other == {REGISTRY_NAME}
    assert "stop_own" not in foreign.asked
    told = capsys.readouterr().out
    assert "Hosts of another checkout remain: host-1" in told
    assert "lab/down --others" in told


@pytest.mark.parametrize("lab", ["docker", "foreign"])
def test_down_leaves_nothing_behind(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, lab: str
) -> None:
    """Of this checkout, and when it is asked to of another one."""
    there: FakeDocker = request.getfixturevalue(lab)
    assert call(monkeypatch, "down", *(["--others"] if lab == "foreign" else [])) == 0
    assert not there.machines
    assert not there.other
    assert there.asked[-1] == "stop_own"
    assert not (there.root / KEY).exists()


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_every_command_has_help(
    docker: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """It names the command, and nothing is done."""
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, command, "--help")
    assert caught.value.code == 0
    assert f"usage: lab/{command}" in capsys.readouterr().out
    assert not docker.asked


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_an_unknown_option_is_refused(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Nothing is done then."""
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, command, "--al")
    assert caught.value.code == 2
    assert not docker.asked
