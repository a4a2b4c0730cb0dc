"""The loop of HAProxy's program, with an HAProxy that only says that it was called."""

from __future__ import annotations

import dataclasses
import errno
import json
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from unittest import mock

import pytest
from haproxy_lb import dns, files, haproxy
from haproxy_lb.supervisor import Supervisor

KEYS = "global\n  setenv ROLLCALL_WEB_MAXCONN 50\n"
RESOLVER = "  nameserver agent 127.0.0.1:8600\n  server-template w 1 _w._tcp.service.consul\n"
FULL = OSError(errno.ENOSPC, "No space left on device")


@dataclasses.dataclass
class Loop:
    """A supervisor whose clock moves only while it sleeps.

    `refuses` is what the check of a configuration raises, None where it passes; `reloads` are the
    turns of the loop in which HAProxy was told to reload.
    """

    folders: files.Folders
    refuses: Exception | None = None
    refuses_to_reload: Exception | None = None
    answers: Callable[[], bool] = lambda: True
    knows: bool = True
    checks: int = 0
    turns: int = 0
    now: float = 1000.0
    reloads: list[int] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.folders)
        self.process = mock.Mock(**{"poll.return_value": None})

    def check(self, _folder: pathlib.Path) -> None:
        """What stands for `haproxy -c`."""
        self.checks += 1
        if self.refuses:
            raise self.refuses

    def reload(self, _socket: pathlib.Path) -> None:
        """What stands for a reload."""
        if self.refuses_to_reload:
            raise self.refuses_to_reload
        self.reloads.append(self.turns)

    def run(self, *steps: tuple[int, Callable[[], None]], turns: int) -> int:
        """Run for so many turns, and take each step after its turn; the exit status."""

        def sleep(seconds: float) -> None:
            self.turns += 1
            self.now += seconds
            for turn, step in steps:
                if turn == self.turns:
                    step()
            self.supervisor.stopping = self.turns == turns

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "sleep", sleep)
            patch.setattr(time, "monotonic", lambda: self.now)
            return self.supervisor.run()

    def offers(self, revision: str, balancer: str) -> None:
        """The role writes other settings."""
        (self.folders.conf / "balancer.cfg").write_text(balancer)
        (self.folders.conf / "revision").write_text(revision)

    def served(self) -> str:
        """What HAProxy would read if it were started now."""
        return files.last_good(self.folders).balancer


@pytest.fixture
def folders(tmp_path: pathlib.Path) -> files.Folders:
    """What the role has written, and what consul-template has rendered already."""
    made = files.Folders(*(tmp_path / name for name in ("conf", "volume", "run")))
    for folder in (made.conf, made.volume, made.run):
        folder.mkdir()
    for name in ("revision", "defaults.cfg", "balancer.cfg"):
        (made.conf / name).write_text(f"{name}\n")
    made.rendered.write_text(KEYS)
    return made


@pytest.fixture
def loop(folders: files.Folders, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """A loop around what the role has written."""
    made = Loop(folders)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(subprocess, "Popen", lambda _words: made.process)
    monkeypatch.setattr(haproxy, "check", made.check)
    monkeypatch.setattr(haproxy, "start", lambda *_: made.process)
    monkeypatch.setattr(haproxy, "answers", lambda _socket: made.answers())
    monkeypatch.setattr(haproxy, "reload", made.reload)
    monkeypatch.setattr(dns, "knows", lambda *_: made.knows)
    return made


def test_keys_that_are_there_before_haproxy_wait_for_it(loop: Loop) -> None:
    """It is asked to load them when it answers, and not before."""
    answers = iter([False, False, True])
    loop.answers = lambda: next(answers)
    assert loop.run(turns=4) == 0
    assert loop.reloads == [2]
    assert "MAXCONN 50" in loop.supervisor.running.keys


@pytest.mark.parametrize(
    "refusal", [FULL, haproxy.Refused("haproxy -c: Out of memory")], ids=["full", "memory"]
)
def test_what_was_refused_is_tried_again(loop: Loop, refusal: Exception) -> None:
    """The disk was full, or memory was short; then nothing has changed but that."""

    def settings_come() -> None:
        loop.refuses = refusal
        loop.offers("2", "other\n")

    def room_is_made() -> None:
        assert loop.supervisor.reason == str(refusal)
        assert loop.served() == "balancer.cfg\n"
        loop.refuses = None

    assert loop.run((4, settings_come), (12, room_is_made), turns=40) == 0
    assert loop.served() == "other\n"
    assert loop.supervisor.running.revision == "2"
    assert loop.supervisor.reason == ""


def test_a_snippet_that_stays_bad_is_said_once_and_tried_seldom(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten minutes of it: one line, and no more tries than the backoff allows."""

    def bad_settings_come() -> None:
        loop.refuses = haproxy.Refused("unknown keyword 'nosuch'")
        loop.offers("2", "bad\n")
        loop.checks = 0

    assert loop.run((4, bad_settings_come), turns=2400) == 0
    # 1, 2, 4, 8, 16, 32 and 60 s, each shortened by up to a half: at most 5 in the first half
    # minute, and one each half minute after that.
    assert 8 <= loop.checks <= 6 + 20
    assert capsys.readouterr().out.count("unknown keyword 'nosuch'") == 1


def test_a_reload_that_fails_is_tried_every_ten_minutes(loop: Loop) -> None:
    """It is not without a cost for clients."""

    def settings_come() -> None:
        loop.refuses_to_reload = haproxy.ReloadFailed("not enough memory")
        loop.offers("2", "other\n")
        loop.checks = 0

    assert loop.run((4, settings_come), turns=4 * 1500) == 0
    assert loop.checks == 3
    assert loop.served() == "balancer.cfg\n"


def test_a_port_of_somebody_else_is_no_reload(loop: Loop) -> None:
    """It is seen before, and taken when it is free; a port that HAProxy has is its own."""
    loop.offers("1", "frontend public\n  bind 127.0.0.1:9\n")
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        settings = f"frontend public\n  bind 127.0.0.1:9\n  bind 127.0.0.1:{port}\n"

        def port_is_free() -> None:
            assert loop.supervisor.reason == (
                f"port {port} of 127.0.0.1 is in use by another program"
            )
            occupied.close()

        loop.folders.rendered.unlink()
        steps = (4, lambda: loop.offers("2", settings)), (40, port_is_free)
        assert loop.run(*steps, turns=120) == 0
    assert len(loop.reloads) == 1
    assert loop.served() == settings


def test_other_settings_are_tried_at_once(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    """However long the last ones would have waited; and what is wrong with them is said."""

    def settings_come(revision: str) -> Callable[[], None]:
        def offer() -> None:
            loop.refuses = haproxy.Refused("unknown keyword 'nosuch'")
            loop.offers(revision, f"bad {revision}\n")

        return offer

    def good_settings_come() -> None:
        loop.refuses = None
        loop.offers("4", "good\n")

    steps = ((4, settings_come("2")), (400, settings_come("3")), (800, good_settings_come))
    assert loop.run(*steps, turns=802) == 0
    assert loop.served() == "good\n"
    assert capsys.readouterr().out.count("unknown keyword 'nosuch'") == 2


def test_certificates_come_and_go_with_the_configuration(loop: Loop) -> None:
    """A key that HAProxy refuses is not with what a container made anew would read."""
    certificates = loop.folders.conf / "certificates"
    certificates.mkdir()

    def key_comes(revision: str, key: str) -> Callable[[], None]:
        def offer() -> None:
            (certificates / "main.key").write_text(key)
            loop.offers(revision, f"with {key}\n")

        return offer

    def bad_key_comes() -> None:
        loop.refuses = haproxy.Refused("inconsistencies between private key and certificate")
        key_comes("3", "bad")()

    assert loop.run((4, key_comes("2", "good")), (8, bad_key_comes), turns=40) == 0
    assert files.last_good(loop.folders).certificates == (("main.key", "good"),)
    kept = loop.folders.current / "certificates" / "main.key"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_instances_stay_where_haproxy_starts_without_consul(loop: Loop) -> None:
    """Until its DNS knows any; then one reload returns to the usual settings."""
    loop.offers("1", RESOLVER)
    assert loop.run(turns=4) == 0
    loop.folders.servers.write_text("1\n")
    loop.supervisor, loop.turns, loop.reloads, loop.knows = Supervisor(loop.folders), 0, [], False

    def consul_comes() -> None:
        assert files.last_good(loop.folders).hold
        assert loop.reloads == []
        loop.knows = True

    assert loop.run((40, consul_comes), turns=80) == 0
    assert not files.last_good(loop.folders).hold
    assert len(loop.reloads) == 1


def test_instances_stay_where_settings_come_without_consul(loop: Loop) -> None:
    """The new workers know that it is away; what is refused changes nothing in that."""

    def consul_goes() -> None:
        loop.folders.servers.write_text("1\n")
        loop.knows = False

    def bad_settings_come() -> None:
        assert files.last_good(loop.folders).hold
        loop.refuses = haproxy.Refused("unknown keyword 'nosuch'")
        loop.offers("3", RESOLVER)

    loop.offers("1", RESOLVER)
    settings_come = (8, lambda: loop.offers("2", RESOLVER))
    assert loop.run((4, consul_goes), settings_come, (12, bad_settings_come), turns=60) == 0
    assert files.last_good(loop.folders).revision == "2"
    # Consul's keys, and the settings.
    assert len(loop.reloads) == 2


def test_a_first_start_holds_nothing(loop: Loop) -> None:
    """There is no instance that could be dropped."""
    loop.offers("1", RESOLVER)
    loop.knows = False
    assert loop.run(turns=4) == 0
    assert not files.last_good(loop.folders).hold


def test_without_the_roles_files_the_last_good_ones_serve(loop: Loop) -> None:
    """Their folder is empty when the container starts."""
    assert loop.run(turns=4) == 0
    for path in loop.folders.conf.iterdir():
        path.unlink()
    loop.supervisor, loop.turns = Supervisor(loop.folders), 0
    assert loop.run(turns=40) == 0
    assert loop.served() == "balancer.cfg\n"


def test_haproxy_serves_on_where_no_process_can_be_started(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """consul-template cannot be: that is said once, and it is started when it can be."""
    failing = mock.Mock(side_effect=OSError(errno.EAGAIN, "Resource temporarily unavailable"))
    monkeypatch.setattr(subprocess, "Popen", failing)

    def processes_are_free() -> None:
        assert failing.call_count > 1
        failing.side_effect = None

    assert loop.run((40, processes_are_free), turns=60) == 0
    assert loop.supervisor.template is failing.return_value
    assert capsys.readouterr().out.count("Resource temporarily unavailable") == 1


def test_a_status_that_cannot_be_written_is_written_later(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is full for a while, and HAProxy serves on."""
    write = files.write_status
    monkeypatch.setattr(files, "write_status", mock.Mock(side_effect=FULL))

    def room_is_made() -> None:
        monkeypatch.setattr(files, "write_status", write)

    assert loop.run((4, room_is_made), turns=6) == 0
    assert json.loads(files.text(loop.folders.status))["revision"] == "revision"


def test_a_reload_that_fails_on_a_full_disk_leaves_what_served(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a container made anew would read is what serves, though nothing can be written."""

    def settings_come() -> None:
        loop.refuses_to_reload = haproxy.ReloadFailed("cannot bind")
        loop.offers("2", "other\n")

    stage = files.stage

    def stage_once(folders: files.Folders, candidate: files.CandidateSettings) -> pathlib.Path:
        if loop.turns and candidate.balancer != "other\n":
            raise FULL
        return stage(folders, candidate)

    monkeypatch.setattr(files, "stage", stage_once)
    loop.folders.rendered.unlink()
    assert loop.run((4, settings_come), turns=8) == 0
    assert loop.supervisor.reason == "cannot bind"
    assert loop.served() == "balancer.cfg\n"
    assert [path.name for path in loop.folders.volume.glob("generation-*")] == ["generation-1"]
