"""The life of the control process: it starts, hears signals and messages, and stops."""

from __future__ import annotations

import json
import pathlib
import signal
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from nginx_lb import app
from nginx_lb.app import ControlProcess
from nginx_lb.model import Endpoint
from nginx_lb.nginx.configuration import Paths
from nginx_lb.protection.leader_check import LeaderStatus
from nginx_lb.protection.store import State, save
from nginx_lb.protection.withdrawal import Finding, Target
from nginx_lb.settings.file import SettingsFile
from nginx_lb.settings.model import Verification

from .builders import BASE, endpoint, entry, record, snapshot
from .fakes import FakeNginx


class Stage:
    """A daemon whose nginx, followers, leader and status servers are fakes."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not started; two instances of web are on the volume."""
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.nginx = FakeNginx()
        self.discovery = mock.Mock(process=None, declared=None, discovered=None, skipped=())
        self.discovery.configure_mock(skipped_total=0, synced=False, problem="")
        self.discovery.heard_age.return_value = 0.0
        self.servers = mock.Mock()
        self.handlers: dict[int, Callable[[int, object], None]] = {}
        self.send: Callable[[Any], None] = mock.Mock()
        save(folder / "state.json", State(6, {"web": record(1, 2)}))
        self.write("r1")
        monkeypatch.setattr(app, "Nginx", lambda *_: self.nginx)
        monkeypatch.setattr(app, "ServiceDiscovery", lambda *_, **__: self.discovery)
        monkeypatch.setattr(app, "LeaderMonitor", self._monitor)
        self.prober = mock.Mock(findings={})
        self.prober_says: Callable[[], None] = mock.Mock()
        monkeypatch.setattr(app, "Prober", self._prober)
        monkeypatch.setattr(app, "StatusServer", self.servers)
        monkeypatch.setattr(signal, "signal", self.handlers.__setitem__)
        self.build()

    def build(self) -> None:
        """Another process on the same volume."""
        file = SettingsFile(self.folder / "settings.json", self.folder / "accepted.json", BASE)
        self.daemon = ControlProcess(file, self.folder, Paths(run=str(self.folder)))

    def write(self, revision: str, **more: Any) -> None:
        """Write the settings file."""
        values = {"revision": revision, "services": [{"name": "web"}], **more}
        (self.folder / "settings.json").write_text(json.dumps(values))

    def play(self, *steps: Callable[[], object]) -> int:
        """Run the daemon; in each turn of its loop comes a step, after all of them SIGTERM."""
        left = iter(steps)

        def turn(_now: float) -> None:
            step = next(left, None)
            if step:
                step()
            self.signal(signal.SIGHUP if step else signal.SIGTERM)

        self.discovery.supervise.side_effect = turn
        return self.daemon.run()

    def signal(self, number: signal.Signals) -> None:
        """Call the handler of a signal."""
        self.handlers[number](number, None)

    def _prober(self, on_change: Callable[[], None]) -> mock.Mock:
        self.prober_says = on_change
        return self.prober

    def _monitor(self, _consul: object, on_status: Callable[[LeaderStatus], None]) -> mock.Mock:
        self.send = on_status
        on_status(LeaderStatus(True, "cluster-1"))
        return mock.Mock()


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage that is not started."""
    return Stage(tmp_path, monkeypatch)


def test_it_serves_what_the_last_run_served_and_stops_when_told(stage: Stage) -> None:
    """Before Consul says a word; nginx goes on when this process ends."""
    reports: list[Any] = []
    assert stage.play(lambda: reports.append(stage.daemon.report())) == 0
    assert stage.nginx.calls == ["start", "instances"]
    [report] = reports
    assert {name: len(each) for name, each in report.services.items()} == {"web": 2}
    assert (report.generation, report.revision, report.settings_refused) == (7, "r1", "")
    stage.discovery.stop.assert_called_once_with()


def test_it_ends_with_nginx(stage: Stage) -> None:
    """There is nothing to control any more, and the container ends too."""

    def ends() -> None:
        stage.nginx.pid = None

    left = len(stage.nginx.calls)
    assert stage.play(ends, lambda: pytest.fail("it goes on")) == 0
    assert left == 0


def test_an_nginx_that_runs_already_is_taken_over(stage: Stage) -> None:
    """The process fell and is started again: nginx served meanwhile, and is not reloaded."""
    assert stage.play() == 0
    stage.nginx.calls.clear()
    again = Stage(stage.folder, stage.monkeypatch)
    again.nginx = stage.nginx
    again.build()
    reports: list[Any] = []
    assert again.play(lambda: reports.append(again.daemon.report())) == 0
    assert again.nginx.calls == ["instances"]
    assert reports[0].generation == 7


def test_an_nginx_that_never_serves_is_the_end(stage: Stage) -> None:
    """There is nothing to look after."""
    stage.nginx.serves_new = False
    assert stage.daemon.run() == 1


def test_changed_settings_come_into_use(stage: Stage) -> None:
    """Discovery follows them; what nginx refuses is followed by nobody."""
    used: list[str] = []
    stage.discovery.follow.side_effect = lambda options: used.append(options.revision)

    def refuse() -> None:
        stage.nginx.refusal = "unknown directive"
        stage.write("r3", http_snippet="nonsense;")

    reports: list[Any] = []
    stage.play(
        lambda: stage.write("r2", gzip=True),
        refuse,
        lambda: reports.append(stage.daemon.report()),
    )
    assert used == ["r1", "r2"]
    [report] = reports
    assert (report.revision, report.offered_revision) == ("r2", "r3")
    assert report.settings_refused == "unknown directive"


def test_the_status_port_follows_the_settings(stage: Stage) -> None:
    """The old one is closed; the sockets of the container stay."""
    stage.play(
        lambda: stage.write("r2", status_port=9000), lambda: stage.write("r3", status_port=0)
    )
    run = stage.folder
    assert [call.args[0] for call in stage.servers.call_args_list] == [
        run / "status.sock",
        run / "control.sock",
        ("127.0.0.1", 8404),
        ("127.0.0.1", 9000),
    ]
    assert stage.servers.return_value.close.call_count == 2


def test_it_is_stale_while_it_hears_nothing(stage: Stage) -> None:
    """Consul has a leader, and refuses what is followed: for a while, and then that is told."""
    states: list[str] = []

    def look() -> None:
        states.append(stage.daemon.report().deaf)

    def hear(problem: str, age: float) -> None:
        stage.discovery.problem = problem
        stage.discovery.heard_age.return_value = age

    stage.play(
        look,
        lambda: hear("429 Too Many Requests", 3.0),
        look,
        lambda: hear("429 Too Many Requests", 16.0),
        look,
        lambda: hear("", 0.0),
        look,
    )
    assert states == ["", "", "429 Too Many Requests", ""]


def test_instances_are_asked_while_consul_is_not_heard(stage: Stage) -> None:
    """What refuses gets no requests, until Consul has a leader again."""
    stage.discovery.declared = snapshot(
        *(entry(address=each.address, id=each.address) for each in (endpoint(1), endpoint(2)))
    )
    one, two = (Target("web", endpoint(number), Verification()) for number in (1, 2))
    served: list[list[Endpoint]] = []

    def look() -> None:
        served.append([each.endpoint for each in stage.daemon.report().services["web"]])

    def find() -> None:
        stage.prober.watch.assert_called_with(frozenset({one, two}), 1.0)
        stage.prober.findings = {one: Finding.REFUSED, two: Finding.UNKNOWN}

    stage.play(
        lambda: stage.send(LeaderStatus(False, problem="Consul has no leader")),
        look,
        find,
        lambda: stage.prober_says(),
        lambda: None,
        look,
        lambda: stage.send(LeaderStatus(True, "cluster-1")),
        lambda: None,
        look,
    )
    both = [endpoint(1), endpoint(2)]
    assert served == [both, [endpoint(2)], both]
    stage.prober.watch.assert_called_with(frozenset(), 10.0)


def test_another_cluster_is_followed_anew(stage: Stage, caplog: Any) -> None:
    """A cluster without a leader, and the same one after that, is no other one."""
    stage.play(
        lambda: stage.send(LeaderStatus(False, problem="Consul has no leader")),
        lambda: stage.send(LeaderStatus(True, "cluster-1")),
        lambda: stage.discovery.restart.assert_not_called(),
        lambda: stage.send(LeaderStatus(True, "cluster-2")),
    )
    stage.discovery.restart.assert_called_once_with()
    assert caplog.messages[-3:] == [
        "Consul has no leader",
        "Consul has a leader again",
        "the Consul cluster was re-created (cluster ID changed)",
    ]


@pytest.mark.parametrize(
    ("number", "method"),
    [(signal.SIGUSR1, "read"), (signal.SIGTERM, "stop")],
)
def test_a_signal_is_a_message(stage: Stage, number: signal.Signals, method: str) -> None:
    """consul-template has written something, or the container is to end."""
    stage.play(lambda: stage.signal(number))
    getattr(stage.discovery, method).assert_called_once_with()


def test_the_operators_word_is_asked_for_by_another_thread(stage: Stage) -> None:
    """It waits for the main loop, which alone changes anything."""
    found: list[list[str]] = []
    asking = threading.Thread(target=lambda: found.append(stage.daemon.accept("web")), daemon=True)
    stage.play(asking.start, lambda: asking.join(5))
    assert found == [[]]
