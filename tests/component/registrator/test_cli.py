"""The command from its words to its exit status, with an agent on the loopback."""

from __future__ import annotations

import importlib
import io
import json
import logging
import pathlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    HOST_IP,
    container,
    inspected,
)
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import FakeSource
from registrator.__main__ import main
from registrator.domain.interfaces import Event, SourceError
from registrator.domain.model import Container
from registrator.sync.loop import SyncLoop

from .loopback import Loopback

SERVICES = "GET /v1/agent/services"
LEADER = "GET /v1/status/leader"
REGISTER = "PUT /v1/agent/service/register?replace-existing-checks=true"
VERSION = importlib.import_module("registrator").__version__
Run = Callable[..., int]


class Engine(FakeSource):
    """A host's engine whose events end the daemon once a cycle has registered what runs."""

    def __init__(self, *containers: Container) -> None:
        """These containers run."""
        super().__init__(list(containers))
        self.daemon: SyncLoop | None = None
        self.cycled = threading.Event()

    def events(self) -> Iterator[Event]:
        """The subscription; the end comes after a cycle."""
        yield ("subscribed", "", {})
        assert self.cycled.wait(5)
        assert self.daemon is not None
        self.daemon.end()

    def ids(self) -> list[str]:
        """A cycle begins."""
        self.cycled.set()
        return super().ids()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine behind every DockerSource; signals stay the test runner's."""
    engine = Engine(container("web"))
    monkeypatch.setattr("registrator.cli.DockerSource", lambda *_arguments, **_options: engine)
    monkeypatch.setattr(
        "registrator.cli.handle_signals", lambda daemon: setattr(engine, "daemon", daemon)
    )
    monkeypatch.setattr("registrator.cli.host_address", lambda _hostname: HOST_IP)
    return engine


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Iterator[Run]:
    """Run the command with these words and this environment on host-1."""
    root, ours = logging.getLogger(), logging.getLogger("registrator")
    before = list(root.handlers), root.level, ours.level

    def command(*words: str, **environment: str) -> int:
        monkeypatch.setattr("sys.argv", ["registrator", *words])
        monkeypatch.setattr("os.environ", environment)
        monkeypatch.setattr(socket, "gethostname", lambda: HOST)
        return main()

    yield command
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]


def uri(loopback: Loopback) -> str:
    """The registry URI of the agent on the loopback."""
    return loopback.url.replace("http://", "consul://")


# Words.


def test_the_version_alone_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Only as the sole argument, as upstream has it."""
    assert run("--version") == 0
    assert capsys.readouterr().out == f"v{VERSION}\n"
    assert run("--version", "consul:") == 2
    assert run("-version") == 2


def test_help_is_no_mistake(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The usage on stderr and exit status 0, as Go has it."""
    assert run("-h") == 0
    assert capsys.readouterr().err.startswith("Usage of registrator:\n")


@pytest.mark.parametrize("words", [[], ["-nonsense", "consul:"], ["consul:", "more"], ["-ip"]])
def test_words_that_cannot_be_read_are_a_usage_error(
    run: Run, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """The problem and the usage on stderr, nothing on stdout, exit status 2."""
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage of registrator:" in captured.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["-ttl=1", "consul:"], "-ttl-refresh"),
        (["etcd://10.0.0.1"], "unrecognized adapter"),
        (["-http=:1", "-http=300.0.0.1:1", "consul:"], "-http 300.0.0.1:1"),
    ],
)
def test_values_that_cannot_work_are_fatal(
    run: Run, capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    """One line in the log's form and exit status 1."""
    assert run(*words) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", last)
    assert problem in last


# The daemon.


def test_the_daemon_registers_and_stops(
    run: Run, loopback: Loopback, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """From the command line to the agent, with the lines that people look for."""
    heartbeat = tmp_path / "alive"
    environment = {"CONSUL_HTTP_TOKEN": "secret", "REGISTRATOR_HEARTBEAT": str(heartbeat)}
    assert run("-ip=10.0.0.7", "-http=127.0.0.1:0", uri(loopback), **environment) == 0
    assert loopback.asked == [SERVICES, REGISTER]
    assert json.loads(loopback.bodies[1])["Address"] == "10.0.0.7"
    assert loopback.headers[1]["X-Consul-Token"] == "secret"
    assert heartbeat.read_text(encoding="ascii") == "30\n"
    lines = [line[20:] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        f"Starting registrator v{VERSION} ...",
        "Forcing host IP to 10.0.0.7",
        "Listening for Docker events ...",
        "added: 776562000000 host-1:web:80",
        "stopped",
    ]


def test_keys_are_registered_instead(run: Run, loopback: Loopback) -> None:
    """consulkv:// leads to the key-value store."""
    loopback.answers["GET /v1/kv/services/?recurse"] = 404, ""
    assert run(uri(loopback).replace("consul:", "consulkv:") + "/services") == 0
    assert loopback.asked[0] == "GET /v1/kv/services/?recurse"
    assert loopback.asked[1].startswith("PUT /v1/kv/services/nginx/host-1%3Aweb%3A80?flags=")
    assert loopback.bodies[1] == "10.0.0.1:32768"


def test_a_start_up_ping_is_tried_as_often_as_it_says(
    run: Run, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """-retry-attempts=2 is three tries; then the daemon gives up as upstream does."""
    loopback.answers[LEADER] = 500, "no leader"
    assert run("-retry-attempts=2", "-retry-interval=1", uri(loopback)) == 1
    assert loopback.asked == [LEADER] * 3
    lines = [line[20:] for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if line.startswith("Connecting")] == [
        f"Connecting to backend ({number}/2)" for number in range(3)
    ]
    assert lines[-1] == f"Consul at {loopback.url}: 500 no leader"


def test_a_ping_that_is_answered_starts_the_daemon(
    run: Run, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty leader is an answer."""
    loopback.answers[LEADER] = 200, '""'
    assert run("-retry-attempts=0", uri(loopback)) == 0
    assert loopback.asked == [LEADER, SERVICES, REGISTER]
    assert "consul: current leader" in capsys.readouterr().err


def test_a_daemon_that_is_stopped_while_it_pings_ends_well(
    run: Run, loopback: Loopback, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal ends the waiting at once."""
    loopback.answers[LEADER] = 500, "no leader"
    monkeypatch.setattr("registrator.cli.handle_signals", SyncLoop.end)
    assert run("-retry-attempts=5", "-retry-interval=60000", uri(loopback)) == 0
    assert loopback.asked == [LEADER]


# A dry run.


def test_a_dry_run_prints_and_writes_nothing(
    run: Run, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """What would change on stdout, what happened on stderr."""
    ghost = {"ID": "host-1:ghost:80", "Service": "ghost"}
    loopback.answers[SERVICES] = 200, json.dumps({ghost["ID"]: ghost})
    assert run("-dry-run", uri(loopback)) == 0
    captured = capsys.readouterr()
    register, deregister = captured.out.splitlines()
    assert json.loads(register.removeprefix("register host-1:web:80 "))["Name"] == "nginx"
    assert deregister == "deregister host-1:ghost:80"
    assert all("dry run: " in line for line in captured.err.splitlines())
    assert captured.err.endswith("dry run: 2 changes, none applied\n")
    assert loopback.asked == [SERVICES]


def test_a_dry_run_without_an_agent_fails(run: Run, engine: Engine, loopback: Loopback) -> None:
    """It would say nothing about what would change."""
    loopback.answers[SERVICES] = 500, "no"
    assert run("-dry-run", uri(loopback)) == 1
    engine.silent = True
    assert run("-dry-run", uri(loopback)) == 1


# Explain.


def test_explain_asks_the_engine_and_nobody_else(
    run: Run, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The container's services with their reasons on stdout."""
    assert run("explain", "-ip=10.0.0.7", engine.containers[0].id) == 0
    captured = capsys.readouterr()
    assert "address  10.0.0.7                         # -ip=10.0.0.7\n" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("from_file", [True, False])
def test_explain_reads_what_docker_inspect_prints(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    as_list: bool,
    from_file: bool,
) -> None:
    """From a file or from a pipe, also of a container that does not run any more."""
    found = inspected(
        "shop", state={"Running": False}, ports={"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    )
    text = json.dumps([found] if as_list else found)
    file = tmp_path / "inspect.json"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert run("explain", str(file) if from_file else "-") == 0
    assert "service host-1:shop:80\n" in capsys.readouterr().out


def test_explain_follows_a_joined_network(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker inspect shop sidecar` holds the container whose network the other one joined."""
    shop = inspected("shop", networks={"bridge": {"IPAddress": "172.17.0.9"}})
    sidecar = inspected(
        "sidecar",
        host={"NetworkMode": f"container:{shop['Id']}"},
        config={"ExposedPorts": {"9090/tcp": {}}},
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([shop, sidecar])))
    assert run("explain", "-internal", "-") == 0
    assert "address  172.17.0.9 " in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", "1", '[{"Id": "x"}]'])
def test_explain_tells_what_it_cannot_read(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """One sentence, no traceback."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert run("explain", "-") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_explain_needs_a_container_that_is_there(
    run: Run, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that is not there, and an engine that does not answer, are told apart."""
    assert run("explain", "nobody") == 1
    engine.silent = True
    assert run("explain", "nobody") == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("no running container nobody")
    assert second.endswith("Docker is silent")


# The health check.


def test_a_health_check_reads_the_heartbeat(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """0 while the file is good, 1 with a reason when it is not there."""
    file = tmp_path / "alive"
    file.write_text("30\n", encoding="ascii")
    assert run("healthcheck", REGISTRATOR_HEARTBEAT=str(file)) == 0
    file.unlink()
    assert run("healthcheck", REGISTRATOR_HEARTBEAT=str(file)) == 1
    assert "no heartbeat" in capsys.readouterr().err


def test_the_engines_certificates_reach_its_source(
    run: Run, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH go where they are used."""
    given: dict[str, Any] = {}

    def source(url: str, _timeout: float, **options: Any) -> Engine:
        given.update(options, url=url)
        raise SourceError("enough")

    monkeypatch.setattr("registrator.cli.DockerSource", source)
    variables = {"DOCKER_HOST": "tcp://d:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}
    assert run("-dry-run", uri(loopback), **variables) == 1
    assert given == {"url": "tcp://d:2376", "tls_verify": True, "cert_path": "/c"}
