"""A person's lab makes room for the test suite's and comes back as it was, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.fake_docker import (
    KEY,
    FakeDocker,
    Inner,
    Killed,
    Machine,
    docker_fixture,
    lab_fixture,
)
from rollcall_lab import set_aside
from rollcall_lab.progress import LabError

__all__ = ["docker_fixture", "lab_fixture"]

# As many as setting aside the lab below and bringing it back takes.
COMMANDS = 36


def another(docker: FakeDocker) -> None:
    """The suite makes a lab of its own in this checkout."""
    key = docker.make_key("the suite's")
    for name in ("host-1", "host-2", "host-3"):
        assert name not in docker.machines
        docker.machines[name] = Machine(key)


def states(machines: dict[str, Machine]) -> dict[str, object]:
    """The state of each host and of each container in it."""
    return {
        name: (machine.state, {each: what.state for each, what in machine.inside.items()})
        for name, machine in machines.items()
    }


def die(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that set the lab aside ends without a word."""
    docker.dies_at = None
    monkeypatch.delenv(set_aside.VARIABLE, raising=False)
    monkeypatch.setattr(set_aside, "_started", lambda _process: None)


def test_the_names_are_free_and_nothing_runs_meanwhile(
    docker: FakeDocker, lab: dict[str, Machine]
) -> None:
    """The hosts are stopped under other names, and the key is another one's to make."""
    with set_aside.apart():
        assert {name: machine.state for name, machine in docker.machines.items()} == {
            f"{name}.set-aside": "exited" for name in lab
        }
        assert not (docker.root / KEY).exists()


def test_the_lab_comes_back_in_place_of_the_suites(
    docker: FakeDocker, lab: dict[str, Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    """Hosts, containers without a restart policy and the key are as before; both steps are told."""
    with set_aside.apart():
        another(docker)
    assert states(docker.machines) == states(lab)
    assert (docker.root / KEY).read_text() == "mine"
    assert not any(machine.files for machine in docker.machines.values())
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("▸")]
    assert told == [
        "▸ Setting the lab that is up aside (host-1, host-2)",
        "▸ Bringing the lab back (host-1, host-2)",
    ]


def test_without_a_lab_nothing_happens(
    docker: FakeDocker, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the suite makes then stays."""
    with set_aside.apart():
        another(docker)
    assert list(docker.machines) == ["host-1", "host-2", "host-3"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("before", "policy"),
    [("running", "no"), ("exited", "always"), ("exited", "no"), ("paused", "unless-stopped")],
)
def test_a_container_is_in_the_state_that_it_was_in(
    docker: FakeDocker, lab: dict[str, Machine], before: str, policy: str
) -> None:
    """Its restart policy alone would leave it in another."""
    docker.machines["host-2"].inside["odd"] = Inner(before, policy)
    with set_aside.apart():
        another(docker)
    assert docker.machines["host-2"].inside["odd"].state == before
    assert docker.machines["host-2"].inside["web"].state == "running"


@pytest.mark.parametrize("before", ["exited", "paused"])
def test_a_host_is_in_the_state_that_it_was_in(
    docker: FakeDocker, lab: dict[str, Machine], before: str
) -> None:
    """A person has stopped or paused it."""
    docker.machines["host-2"].state = before
    with set_aside.apart():
        another(docker)
    assert {name: machine.state for name, machine in docker.machines.items()} == {
        "host-1": "running",
        "host-2": before,
    }


def test_a_host_without_an_engine_is_not_waited_for(
    docker: FakeDocker, lab: dict[str, Machine]
) -> None:
    """A person has stopped it, and what it held nobody knows."""
    docker.machines["host-2"].answers = False
    with set_aside.apart():
        another(docker)
    assert docker.machines["host-2"].state == "running"


def test_a_container_that_the_engine_removed_is_named(
    docker: FakeDocker, lab: dict[str, Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    """One of `docker run --rm` ends with its engine; everything else comes back."""
    docker.machines["host-2"].inside["once"] = Inner(policy="no")
    with set_aside.apart():
        del docker.machines["host-2.set-aside"].inside["once"]
    assert states(docker.machines) == states(lab)
    assert "host-2: not running again: once" in capsys.readouterr().out


def test_hosts_of_another_checkout_are_set_aside_too(docker: FakeDocker) -> None:
    """This checkout has no key of theirs."""
    docker.machines = {"host-1": Machine("of another checkout", {"web": Inner()})}
    before = states(docker.machines)
    with set_aside.apart():
        another(docker)
    assert states(docker.machines) == before
    assert not (docker.root / KEY).exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Killed])
def test_the_lab_comes_back_whatever_ends_the_suite(
    docker: FakeDocker, lab: dict[str, Machine], error: type[BaseException]
) -> None:
    """The error itself goes on."""

    def suite() -> None:
        with set_aside.apart():
            another(docker)
            raise error

    with pytest.raises(error):
        suite()
    assert states(docker.machines) == states(lab)


@pytest.fixture(name="number", params=[signal.SIGTERM, signal.SIGHUP])
def _number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that ends a process; whoever started the tests may have it ignored (nohup)."""
    number: signal.Signals = request.param
    before = signal.signal(number, signal.SIG_DFL)
    yield number
    signal.signal(number, before)


def test_a_signal_ends_the_suite_and_the_lab_comes_back(
    docker: FakeDocker, lab: dict[str, Machine], number: signal.Signals
) -> None:
    """The exit status is the shell's for this signal, and what handled it before does again."""
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught, set_aside.apart():
        os.kill(os.getpid(), number)
    assert caught.value.code == 128 + number
    assert states(docker.machines) == states(lab)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], indirect=True)
def test_a_second_signal_does_not_end_what_brings_the_lab_back(
    docker: FakeDocker,
    lab: dict[str, Machine],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """Nobody needs to wait for the first one to have an effect."""
    bring_back = set_aside.bring_back

    def impatient() -> None:
        os.kill(os.getpid(), number)
        bring_back()

    monkeypatch.setattr(set_aside, "bring_back", impatient)
    with set_aside.apart():
        another(docker)
    assert states(docker.machines) == states(lab)


@pytest.mark.parametrize("dies_at", range(COMMANDS))
def test_a_run_that_is_killed_at_any_command_loses_nothing(
    docker: FakeDocker,
    lab: dict[str, Machine],
    monkeypatch: pytest.MonkeyPatch,
    dies_at: int,
) -> None:
    """Setting aside or bringing back: one more call finds the lab, and removes the suite's."""
    docker.dies_at = dies_at
    with contextlib.suppress(Killed):
        set_aside.set_aside()
        another(docker)
        set_aside.bring_back()
    die(docker, monkeypatch)
    if set_aside.is_left_behind():
        set_aside.bring_back()
    assert states(docker.machines) == states(lab)
    assert (docker.root / KEY).read_text() == "mine"


def test_the_run_has_that_many_commands(docker: FakeDocker, lab: dict[str, Machine]) -> None:
    """Each of them was the first that was missing in the test above."""
    set_aside.set_aside()
    another(docker)
    set_aside.bring_back()
    assert len(docker.asked) == COMMANDS


def test_the_next_run_finds_the_lab_of_one_that_was_killed(
    docker: FakeDocker, lab: dict[str, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It removes what the other left, and has a lab of its own again."""
    set_aside.set_aside()
    another(docker)
    die(docker, monkeypatch)
    with set_aside.apart():
        another(docker)
    assert states(docker.machines) == states(lab)


def test_what_the_suite_starts_finds_the_suites_lab(
    docker: FakeDocker, lab: dict[str, Machine]
) -> None:
    """Its lab/up and lab/down do what they always do, and a run inside it is a part of it."""
    with set_aside.apart():
        another(docker)
        assert not set_aside.is_left_behind()
        with set_aside.apart():
            pass
        assert "host-1" in docker.machines


def test_a_person_is_told_while_the_suite_runs(
    docker: FakeDocker, lab: dict[str, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the process, and nothing changes."""
    with set_aside.apart(), monkeypatch.context() as patch:
        patch.delenv(set_aside.VARIABLE)
        with pytest.raises(LabError, match=f"process {os.getpid()}"):
            set_aside.is_left_behind()


def test_an_interrupted_shutdown_is_waited_for(docker: FakeDocker, lab: dict[str, Machine]) -> None:
    """A host that shuts down runs still: `docker start` alone would do nothing."""
    set_aside.set_aside()
    docker.asked.clear()
    set_aside.bring_back()
    changes = [each for each in docker.asked if each.startswith(("docker st", "docker start"))]
    assert changes[0] == "docker stop -t 60 host-1.set-aside host-2.set-aside"


def test_hosts_of_another_checkout_in_the_way_stay(
    docker: FakeDocker, lab: dict[str, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is removed that this checkout did not make; the sentence names the option."""
    set_aside.set_aside()
    docker.machines["host-1"] = Machine("of another checkout")
    die(docker, monkeypatch)
    before = states(docker.machines)
    with pytest.raises(LabError, match="host-1: made by another checkout") as caught:
        set_aside.bring_back()
    assert "lab/up --replace" in caught.value.remedy
    assert states(docker.machines) == before
