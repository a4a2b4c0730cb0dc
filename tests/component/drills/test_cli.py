"""`drill` with an observer in a process of its own, against a page and agents on loopback."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.command import (
    DRILL,
    Drill,
    until_the_calm_counts,
)
from ansible_collections.rollcall.discovery.tests.support.drills.stories import story
from rollcall_agents.certificates import Authority
from rollcall_agents.polling import eventually
from rollcall_drills.history.folder import Folder, load
from rollcall_drills.observer import lifecycle
from rollcall_drills.observer.lifecycle import observer_pid

from .fakes import Action, Asked, Cluster, answer, hang, page, serving


def test_a_page_that_does_not_answer_is_told(drill: Drill, history: pathlib.Path) -> None:
    """Which, how it failed, and what to do; nothing is left behind, not even the folder."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        words = ("--url", url, "--rate", "20", "--timeout", "1", "--ready-timeout", "4")
        said = drill("start", "--history", history, *words, status=2)
    assert f"{url} answered 0 of" in said
    assert "refused" in said
    assert "→" in said
    assert not history.parent.exists()


@pytest.fixture
def late(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An observer that begins 3 s after its start, as on a busy machine."""
    launcher = tmp_path / "late.py"
    run = f"runpy.run_path({str(DRILL)!r}, run_name='__main__')"
    launcher.write_text(f"import runpy, time\ntime.sleep(3)\n{run}\n")
    monkeypatch.setattr(lifecycle, "_LAUNCHER", launcher)


@pytest.mark.usefixtures("late")
def test_the_page_has_its_patience_from_when_it_is_asked(
    drill: Drill, history: pathlib.Path
) -> None:
    """What the observer takes until it runs is not the page's fault."""
    with serving(page) as web:
        drill("start", "--history", history, "--url", web.url, "--ready-timeout", "2")


@pytest.mark.usefixtures("late")
def test_an_observer_that_does_not_begin_is_told(
    drill: Drill, history: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended, and nothing is left behind."""
    monkeypatch.setattr(lifecycle, "_LAUNCH_SECONDS", 0.2)
    said = drill("start", "--history", history, "--url", "http://127.0.0.1/", status=2)
    assert "the observer does not run 0.2 s after its start" in said
    assert not history.parent.exists()


def test_an_agent_that_does_not_answer_is_told(drill: Drill, history: pathlib.Path) -> None:
    """The one that is silent, not the one that answers; a folder that was there stays."""
    history.mkdir(parents=True)
    with (
        serving(page) as web,
        serving(Cluster().respond) as agent,
        serving(lambda asked: hang) as dead,
    ):
        said = drill(
            *("start", "--history", history, "--url", web.url, "--rate", "20"),
            *("--timeout", "1", "--ready-timeout", "4"),
            *("--consul", agent.url, "--consul", dead.url),
            status=2,
        )
    assert f"Consul at {dead.url} did not answer" in said
    assert agent.url not in said
    assert list(history.iterdir()) == []


def test_an_agent_is_ready_when_it_has_told_all(drill: Drill, history: pathlib.Path) -> None:
    """One that keeps its members back might keep them for ever, for want of a right."""

    def respond(asked: Asked) -> Action:
        return hang if asked.path == "/v1/agent/members" else Cluster().respond(asked)

    with serving(page) as web, serving(respond) as agent:
        words = ("--url", web.url, "--timeout", "1", "--ready-timeout", "1", "--consul", agent.url)
        said = drill("start", "--history", history, *words, status=2)
    assert f"Consul at {agent.url} did not answer" in said


def test_metrics_that_are_not_there_are_told(drill: Drill, history: pathlib.Path) -> None:
    """A wrong address would leave a bound on reloads untold."""
    with serving(page) as web:
        said = drill(
            *("start", "--history", history, "--url", web.url, "--rate", "20"),
            *("--timeout", "1", "--ready-timeout", "1", "--metrics", web.url + "/metrics"),
            status=2,
        )
    assert f"{web.url}/metrics gave no metrics" in said


def test_a_token_without_rights_is_told(drill: Drill, history: pathlib.Path) -> None:
    """At once, with the path it may not read; the token itself is nowhere."""
    cluster = Cluster(forbidden=("/v1/kv/",))
    with serving(page) as web, serving(cluster.respond) as agent:
        said = drill(
            *("start", "--history", history, "--url", web.url, "--consul", agent.url),
            status=2,
            token="s3cr3t",
        )
    assert "refuses /v1/kv/rollcall/drill?consistent (403)" in said
    assert "s3cr3t" not in said


def test_a_token_is_used_and_written_nowhere(drill: Drill, history: pathlib.Path) -> None:
    """Every agent gets it, no file does."""
    with serving(page) as web, serving(Cluster().respond) as agent:
        words = ("--url", web.url, "--consul", agent.url)
        drill("start", "--history", history, *words, token="s3cr3t")
        drill("stop", "--history", history)
        assert {one.headers.get("x-consul-token") for one in agent.asked} == {"s3cr3t"}
        assert all("x-consul-token" not in one.headers for one in web.asked)
    for file in history.iterdir():
        assert "s3cr3t" not in file.read_text()


def test_a_token_out_of_a_file_is_shown_to_nobody_but_the_agents(
    drill: Drill,
    history: pathlib.Path,
    tmp_path: pathlib.Path,
    authority: Authority,
    tls: ssl.SSLContext,
) -> None:
    """Over TLS; no file of the history has it, nor the command line or environment of a process."""
    secret = tmp_path / "token"
    secret.write_text("s3cr3t\n")
    with serving(page) as web, serving(Cluster().respond, tls=tls) as agent:
        words = ("--url", web.url, "--consul", agent.url, "--consul-ca", authority.pem)
        drill("start", "--history", history, *words, "--consul-token-file", secret)
        process = pathlib.Path(f"/proc/{observer_pid(Folder(history))}")
        assert b"s3cr3t" not in (process / "cmdline").read_bytes()
        assert b"s3cr3t" not in (process / "environ").read_bytes()
        drill("mark", "--history", history, "calm")
        until_the_calm_counts(history)
        drill("stop", "--history", history)
        assert {one.headers.get("x-consul-token") for one in agent.asked} == {"s3cr3t"}
    drill("judge", "--history", history)
    drill("report", "--history", history)
    assert json.loads((history / "drill.json").read_text())["settings"]["consul_token_file"] == str(
        secret
    )
    for file in history.iterdir():
        assert "s3cr3t" not in file.read_text()


def test_an_agent_that_is_not_trusted_is_told(
    drill: Drill, history: pathlib.Path, stranger: Authority, tls: ssl.SSLContext
) -> None:
    """At once, with the reason and the option; nothing is left behind."""
    with serving(page) as web, serving(Cluster().respond, tls=tls) as agent:
        words = ("--url", web.url, "--consul", agent.url, "--consul-ca", stranger.pem)
        said = drill("start", "--history", history, *words, status=2, token="s3cr3t")
        assert agent.asked == []
    assert f"{agent.url} is not trusted: " in said
    assert "in --consul-ca" in said
    assert not history.exists()


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        (
            Cluster(filtered=("/v1/health/",)),
            "filters /v1/health/service/my-web-server?passing&stale by the rights of the token",
        ),
        (Cluster(filtered=("/v1/agent/members",)), "filters /v1/agent/members"),
        (
            Cluster(forbidden=("/v1/agent/self",), refusal="ACL not found"),
            "does not know this token (403 for /v1/agent/self)",
        ),
    ],
)
def test_a_token_that_sees_a_part_is_told(
    drill: Drill, history: pathlib.Path, cluster: Cluster, sentence: str
) -> None:
    """What it may not see would look like an empty catalog."""
    with serving(page) as web, serving(cluster.respond) as agent:
        words = ("--url", web.url, "--consul", agent.url)
        said = drill("start", "--history", history, *words, status=2, token="s3cr3t")
    assert f"{agent.url} {sentence}" in said
    assert "agent, node, service and key read in --consul-token-file" in said
    assert "s3cr3t" not in said


def test_a_token_in_a_vault_is_told_before_anything_begins(
    drill: Drill, history: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Only Ansible decrypts it: nobody is asked with what its file holds."""
    vault = tmp_path / "token"
    vault.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162636465\n")
    with serving(page) as web, serving(Cluster().respond) as agent:
        words = ("--url", web.url, "--consul", agent.url, "--consul-token-file", vault)
        said = drill("start", "--history", history, *words, status=2)
        assert (web.asked, agent.asked) == ([], [])
    assert f"{vault} is encrypted with ansible-vault" in said
    assert not history.parent.exists()


def test_a_name_without_an_address_is_told(drill: Drill, history: pathlib.Path) -> None:
    """The observer's own words reach the person."""
    words = ("--url", "http://nowhere.invalid/")
    assert "nowhere.invalid has no address" in drill(
        "start", "--history", history, *words, status=2
    )
    assert not history.exists()


def test_only_our_own_observer_is_ever_stopped(drill: Drill, tmp_path: pathlib.Path) -> None:
    """A process id in the file proves nothing: without the lock it is another process's."""
    folder = story().calm().write(tmp_path / "history")
    with subprocess.Popen(["sleep", "60"]) as bystander:
        folder.pid.write_text(f"{bystander.pid}\n")
        assert "no observer is running" in drill("stop", "--history", folder.path)
        time.sleep(0.1)
        assert bystander.poll() is None
        bystander.kill()


def test_stop_waits_for_what_is_under_way(drill: Drill, history: pathlib.Path) -> None:
    """Requests without an answer yet are in the history afterwards, with their end."""
    slow = [False]
    with serving(lambda asked: hang if slow[0] else answer()) as web:
        words = ("--url", web.url, "--rate", "50", "--timeout", "1")
        drill("start", "--history", history, *words)
        drill("mark", "--history", history, "calm")
        slow[0] = True
        web.serve(25)
        drill("stop", "--history", history)
    told = load(Folder(history))
    assert told.ended is not None
    assert told.ended.requests == len(told.requests)
    assert [request.n for request in told.requests] == list(range(len(told.requests)))
    assert {str(request.error) for request in told.requests[-20:]} == {"timeout"}


def test_an_observer_that_was_killed_leaves_an_unproven_history(
    drill: Drill, history: pathlib.Path
) -> None:
    """Judge does not take what there is for all."""
    with serving(page) as web:
        drill("start", "--history", history, "--url", web.url)
        drill("mark", "--history", history, "calm")
        folder = Folder(history)
        until_the_calm_counts(history)
        pid = observer_pid(folder)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually("the observer has ended", lambda: observer_pid(folder) is None)
    assert "no observer is running" in drill("stop", "--history", history)
    assert "did not end in order" in drill("judge", "--history", history, status=1)
