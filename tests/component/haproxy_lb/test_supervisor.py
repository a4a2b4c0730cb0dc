"""The loop of HAProxy's program, with an HAProxy that only says that it was called."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import time
from unittest import mock

import pytest
from haproxy_lb import files, haproxy
from haproxy_lb.supervisor import Supervisor

KEYS = "global\n  setenv ROLLCALL_WEB_MAXCONN 50\n"


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


def test_keys_that_are_there_before_haproxy_wait_for_it(
    folders: files.Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked to load them when it answers, and not before."""
    supervisor = Supervisor(folders)
    answers = iter([False, False, True])
    reloads: list[int] = []
    turns: list[None] = []

    def turn(_seconds: float) -> None:
        turns.append(None)
        supervisor.stopping = len(turns) == 4

    process = mock.Mock(**{"poll.return_value": None})
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(subprocess, "Popen", lambda _words: process)
    monkeypatch.setattr(time, "sleep", turn)
    monkeypatch.setattr(haproxy, "check", lambda _folder: None)
    monkeypatch.setattr(haproxy, "start", lambda *_: process)
    monkeypatch.setattr(haproxy, "answers", lambda _socket: next(answers))
    monkeypatch.setattr(haproxy, "reload", lambda _socket: reloads.append(len(turns)))
    assert supervisor.run() == 0
    assert reloads == [2]
    assert "MAXCONN 50" in supervisor.running.keys


def test_who_listens_answers(tmp_path: pathlib.Path) -> None:
    """A socket that is not there, or that nobody listens at, is no answer."""
    path = tmp_path / "master.sock"
    assert not haproxy.answers(path)
    with haproxy.socket.socket(haproxy.socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert not haproxy.answers(path)
        listening.listen()
        assert haproxy.answers(path)
