"""`drills/drill` as a person uses it, against a page and agents on loopback."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from rollcall_agents.certificates import Authority
from rollcall_drills.history import Folder, load
from rollcall_drills.lifecycle import observer

from .fakes import Action, Asked, Cluster, answer, hang, serving
from .stories import host_dies, story

DRILL = pathlib.Path(__file__).resolve().parents[3] / "drills" / "drill.py"


def drill(*words: str | pathlib.Path, status: int = 0, token: str = "") -> str:
    """What the command prints on both channels; its exit status is checked."""
    environment = {**os.environ, "CONSUL_HTTP_TOKEN": token}
    result = subprocess.run(
        [sys.executable, str(DRILL), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert result.returncode == status, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


@pytest.fixture
def history(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder's path; whatever observes into it ends with the test."""
    path = tmp_path / "deep" / "history"
    yield path
    with contextlib.suppress(ProcessLookupError):
        if pid := observer(Folder(path)):
            os.kill(pid, signal.SIGKILL)


def page(asked: Asked) -> bytes:
    """Two hosts answer in turn."""
    host = 1 + asked.connection % 2
    return answer(f"I'm host-{host} addr", headers={"X-Backend": f"127.0.0.{host}:80"})


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
        assert observer(folder) is not None
        drill("mark", "--history", history, "calm")
        time.sleep(1.2)
        drill(
            *("mark", "--history", history, "fault", "--detail", "docker kill"),
            *("--host", "host-2", "--address", "127.0.0.2"),
        )
        cluster.passing.pop()
        time.sleep(1.5)
        drill("mark", "--history", history, "healed", "--host", "host-2")
        time.sleep(0.3)
        drill("mark", "--history", history, "settled")
        assert "everything is written" in drill("stop", "--history", history)
        assert observer(folder) is None
        assert "no observer is running" in drill("stop", "--history", history)
    table = drill(
        *("judge", "--history", history, "--bounds", '{"failed": 0, "out_of_catalog_s": 1.4}')
    )
    assert "held" in table.splitlines()[-1]
    verdict = json.loads((history / "verdict.json").read_text())
    assert verdict["held"]
    assert verdict["figures"]["distribution"].keys() == {"host-1", "host-2"}
    assert (history / "observer.log").read_text() == ""
    report = pathlib.Path(drill("report", "--history", history).strip())
    assert "Lose a host" in report.read_text()
    assert json.loads((history / "report.json").read_text())["description"] == "One of two."


def test_a_bound_that_is_missed_ends_with_one(tmp_path: pathlib.Path) -> None:
    """And the table says which, with what was measured."""
    path = host_dies().failing(1).traffic(6).write(tmp_path / "history").path
    table = drill("judge", "--history", path, "--bounds", '{"failed": 0}', status=1)
    assert ["failed", "0", "1", "NO"] in [line.split() for line in table.splitlines()]
    assert table.splitlines()[-1] == "missed"


def test_an_unstable_history_ends_with_three(tmp_path: pathlib.Path) -> None:
    """A script can tell it from a miss."""
    path = story().calm().elect("host-2").traffic(1).write(tmp_path / "history").path
    assert drill("judge", "--history", path, status=3).splitlines()[-1] == "unstable"


def test_bounds_are_remembered(tmp_path: pathlib.Path) -> None:
    """From a file or from the command line; a later judgement without bounds has the same."""
    path = host_dies().write(tmp_path / "history").path
    bounds = tmp_path / "bounds.json"
    bounds.write_text('{"out_of_catalog_s": 1}')
    first = drill("judge", "--history", path, "--bounds", bounds, status=1)
    assert drill("judge", "--history", path, status=1) == first
    drill("judge", "--history", path, "--bounds", '{"out_of_catalog_s": 3}')
    drill("judge", "--history", path)
    assert json.loads((path / "bounds.json").read_text()) == {"out_of_catalog_s": 3}


def test_without_any_bounds_the_history_itself_is_judged(tmp_path: pathlib.Path) -> None:
    """It has to prove something."""
    path = host_dies().cut().write(tmp_path / "history").path
    assert "did not end in order" in drill("judge", "--history", path, status=1)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ('{"nonsense": 1}', "there is no bound nonsense"),
        ("{", "no JSON"),
        ("/nowhere/at/all.json", "cannot be read"),
    ],
)
def test_bounds_that_are_none_are_refused(
    tmp_path: pathlib.Path, bounds: str, sentence: str
) -> None:
    """Nothing is judged, and nothing is remembered."""
    path = host_dies().write(tmp_path / "history").path
    assert sentence in drill("judge", "--history", path, "--bounds", bounds, status=2)
    assert not (path / "bounds.json").exists()
    assert not (path / "verdict.json").exists()


def test_a_page_that_does_not_answer_is_told(history: pathlib.Path) -> None:
    """Which, how it failed, and what to do; nothing is left behind, not even the folder."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        words = ("--url", url, "--rate", "20", "--timeout", "1", "--patience", "1.5")
        said = drill("start", "--history", history, *words, status=2)
    assert f"{url} answered 0 of" in said
    assert "refused" in said
    assert "→" in said
    assert not history.parent.exists()


def test_an_agent_that_does_not_answer_is_told(history: pathlib.Path) -> None:
    """The one that is silent, not the one that answers; a folder that was there stays."""
    history.mkdir(parents=True)
    with (
        serving(page) as web,
        serving(Cluster().respond) as agent,
        serving(lambda asked: hang) as dead,
    ):
        said = drill(
            *("start", "--history", history, "--url", web.url, "--rate", "20"),
            *("--timeout", "1", "--patience", "2", "--consul", agent.url, "--consul", dead.url),
            status=2,
        )
    assert f"Consul at {dead.url} did not answer" in said
    assert agent.url not in said
    assert list(history.iterdir()) == []


def test_an_agent_is_ready_when_it_has_told_all(history: pathlib.Path) -> None:
    """One that keeps its members back might keep them for ever, for want of a right."""

    def respond(asked: Asked) -> Action:
        return hang if asked.path == "/v1/agent/members" else Cluster().respond(asked)

    with serving(page) as web, serving(respond) as agent:
        words = ("--url", web.url, "--timeout", "1", "--patience", "2", "--consul", agent.url)
        said = drill("start", "--history", history, *words, status=2)
    assert f"Consul at {agent.url} did not answer" in said


def test_metrics_that_are_not_there_are_told(history: pathlib.Path) -> None:
    """A wrong address would leave a bound on reloads untold."""
    with serving(page) as web:
        said = drill(
            *("start", "--history", history, "--url", web.url, "--rate", "20"),
            *("--timeout", "1", "--patience", "1.5", "--metrics", web.url + "/metrics"),
            status=2,
        )
    assert f"{web.url}/metrics gave no metrics" in said


def test_a_token_without_rights_is_told(history: pathlib.Path) -> None:
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


def test_a_token_is_used_and_written_nowhere(history: pathlib.Path) -> None:
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
    history: pathlib.Path, tmp_path: pathlib.Path, authority: Authority, tls: ssl.SSLContext
) -> None:
    """Over TLS; no file of the history has it, nor the command line or environment of a process."""
    secret = tmp_path / "token"
    secret.write_text("s3cr3t\n")
    with serving(page) as web, serving(Cluster().respond, tls=tls) as agent:
        words = ("--url", web.url, "--consul", agent.url, "--consul-ca", authority.pem)
        drill("start", "--history", history, *words, "--consul-token-file", secret)
        process = pathlib.Path(f"/proc/{observer(Folder(history))}")
        assert b"s3cr3t" not in (process / "cmdline").read_bytes()
        assert b"s3cr3t" not in (process / "environ").read_bytes()
        drill("mark", "--history", history, "calm")
        time.sleep(1.2)
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
    history: pathlib.Path, stranger: Authority, tls: ssl.SSLContext
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
            "leaves out of /v1/health/service/my-web-server?passing&stale what the token may not",
        ),
        (Cluster(filtered=("/v1/agent/members",)), "leaves out of /v1/agent/members"),
        (
            Cluster(forbidden=("/v1/agent/self",), refusal="ACL not found"),
            "does not know this token (403 for /v1/agent/self)",
        ),
    ],
)
def test_a_token_that_sees_a_part_is_told(
    history: pathlib.Path, cluster: Cluster, sentence: str
) -> None:
    """What it may not see would look like an empty catalog."""
    with serving(page) as web, serving(cluster.respond) as agent:
        words = ("--url", web.url, "--consul", agent.url)
        said = drill("start", "--history", history, *words, status=2, token="s3cr3t")
    assert f"{agent.url} {sentence}" in said
    assert "agent, node, service and key read in --consul-token-file" in said
    assert "s3cr3t" not in said


def test_a_token_in_a_vault_is_told_before_anything_begins(
    history: pathlib.Path, tmp_path: pathlib.Path
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


def test_an_authority_without_tls_is_refused(history: pathlib.Path, authority: Authority) -> None:
    """The token would be sent in the clear to whoever answers."""
    words = ("--url", "http://127.0.0.1:1/", "--consul", "http://127.0.0.1:8500")
    said = drill("start", "--history", history, *words, "--consul-ca", authority.pem, status=2)
    assert "each --consul is https:// then" in said


def test_a_history_is_never_continued(tmp_path: pathlib.Path) -> None:
    """A second start refuses the folder and changes nothing in it."""
    path = story().calm().write(tmp_path / "history").path
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    said = drill("start", "--history", path, "--url", "http://127.0.0.1:1/", status=2)
    assert "holds something already" in said
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_a_name_without_an_address_is_told(history: pathlib.Path) -> None:
    """The observer's own words reach the person."""
    words = ("--url", "http://nowhere.invalid/")
    assert "nowhere.invalid has no address" in drill(
        "start", "--history", history, *words, status=2
    )
    assert not history.exists()


def test_only_our_own_observer_is_ever_stopped(tmp_path: pathlib.Path) -> None:
    """A process id in the file proves nothing: without the lock it is another process's."""
    folder = story().calm().write(tmp_path / "history")
    with subprocess.Popen(["sleep", "60"]) as bystander:
        folder.pid.write_text(f"{bystander.pid}\n")
        assert "no observer is running" in drill("stop", "--history", folder.path)
        time.sleep(0.1)
        assert bystander.poll() is None
        bystander.kill()


def test_stop_waits_for_what_is_under_way(history: pathlib.Path) -> None:
    """Requests without an answer yet are in the history afterwards, with their end."""
    slow = [False]
    with serving(lambda asked: hang if slow[0] else answer()) as web:
        words = ("--url", web.url, "--rate", "50", "--timeout", "1")
        drill("start", "--history", history, *words)
        drill("mark", "--history", history, "calm")
        slow[0] = True
        time.sleep(0.5)
        drill("stop", "--history", history)
    told = load(Folder(history))
    assert told.ended is not None
    assert told.ended.requests == len(told.requests)
    assert [request.n for request in told.requests] == list(range(len(told.requests)))
    assert {str(request.error) for request in told.requests[-20:]} == {"timeout"}


def test_an_observer_that_was_killed_leaves_an_unproven_history(history: pathlib.Path) -> None:
    """Judge does not take what there is for all."""
    with serving(page) as web:
        drill("start", "--history", history, "--url", web.url)
        drill("mark", "--history", history, "calm")
        time.sleep(1.2)
        pid = observer(Folder(history))
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
    assert "no observer is running" in drill("stop", "--history", history)
    assert "did not end in order" in drill("judge", "--history", history, status=1)


@pytest.mark.parametrize("name", ["calm", "fault"])
def test_nothing_is_broken_unseen(tmp_path: pathlib.Path, name: str) -> None:
    """Without an observer a drill is stopped before it breaks something."""
    folder = story().calm().write(tmp_path / "history")
    before = folder.marks.read_text()
    assert "nobody observes" in drill("mark", "--history", folder.path, name, status=2)
    assert folder.marks.read_text() == before


@pytest.mark.parametrize("name", ["healed", "settled", "note"])
def test_a_drill_may_always_tell_that_it_mended(tmp_path: pathlib.Path, name: str) -> None:
    """Cleaning up must not fail because the observer did."""
    folder = story().calm().write(tmp_path / "history")
    drill("mark", "--history", folder.path, name, "--detail", "später")
    assert load(folder).marks[-1].detail == "später"


def test_a_mark_into_nothing_is_refused(tmp_path: pathlib.Path) -> None:
    """It may be the wrong folder."""
    assert "holds no history" in drill("mark", "--history", tmp_path, "note", status=2)


def test_hosts_and_addresses_belong_together(tmp_path: pathlib.Path) -> None:
    """Two hosts and one address leave open whose it is."""
    path = story().calm().write(tmp_path / "history").path
    words = ("fault", "--host", "a", "--host", "b", "--address", "10.0.0.1")
    assert "2 hosts and 1 addresses" in drill("mark", "--history", path, *words, status=2)


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


def test_a_schedule_is_json() -> None:
    """And the same for the same seed."""
    words = ("schedule", "--seed", "5", "--faults", "6", "--host", "h1", "--host", "h2")
    words = (*words, "--fault", "kill", "--fault", "pause", "--hold", "1", "2")
    steps = json.loads(drill(*words))
    assert [step["number"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert drill(*words) == drill(*words)
    assert "does not fit" in drill(*words, "--hold", "3", "2", status=2)


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


def test_what_is_not_understood_ends_with_two() -> None:
    """As argparse has it."""
    assert "invalid choice" in drill("mark", "--history", "x", "storm", status=2)
