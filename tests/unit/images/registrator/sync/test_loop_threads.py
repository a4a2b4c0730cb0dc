"""The daemon's threads: it listens whatever comes, and it ends when it is told to."""

from __future__ import annotations

import dataclasses
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    container,
    settings,
)
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import (
    FakeMetrics,
    FakeRegistry,
    FakeSource,
)
from registrator.domain.interfaces import Event, SourceError
from registrator.domain.plan import Plan
from registrator.sync.events import EventListener
from registrator.sync.loop import SyncLoop, handle_signals
from registrator.sync.reconciler import Reconciler

from ..simulation import longest

WEB = container("web")
Happening = Event | Exception | None


@dataclasses.dataclass
class World(Reconciler):
    """A host whose reconciler plays one step of a story after each cycle that succeeded."""

    steps: list[Callable[[], None]] = dataclasses.field(default_factory=list)
    happening: queue.Queue[Happening] = dataclasses.field(default_factory=queue.Queue)
    subscriptions: int = 0
    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Give the host a daemon that is not running yet, and whose backoffs are none."""
        super().__post_init__()
        self.daemon = SyncLoop(self, self.events, resync=0, metrics=self.metrics)
        self.daemon.jitter = lambda low, high: 0.0

    def cycle(
        self, draining: frozenset[str] = frozenset(), touched: frozenset[str] | None = None
    ) -> Plan:
        """Reconcile, then go on with the story; it ends where its steps do."""
        done = super().cycle(draining, touched)
        if self.steps:
            self.steps.pop(0)()
        else:
            self.over.set()
            self.daemon.end()
        return done

    def events(self) -> Iterator[Event]:
        """The engine's events as they happen; an error ends the stream, so does None."""
        self.subscriptions += 1
        yield ("subscribed", "", {})
        while (event := self.happening.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    def play(self, *steps: Callable[[], None]) -> World:
        """Run the daemon through the story, to the cycle after its last step."""
        self.steps = list(steps)
        watchdog = threading.Timer(10, self.daemon.end)
        watchdog.start()
        self.daemon.run()
        watchdog.cancel()
        self.happening.put(None)
        return self


def world(*running: Any, **changes: Any) -> World:
    """A host with these containers and an empty agent."""
    source, registry = FakeSource(list(running)), FakeRegistry()
    return World(source, registry, settings(**changes), HOST_IP, FakeMetrics())


def registered(of: World) -> list[str]:
    """The identifiers in the agent."""
    assert isinstance(of.registry, FakeRegistry)
    return sorted(of.registry.entries)


def listen(of: World, events: Callable[[], Iterator[Event]], clock: Clock | None = None) -> None:
    """Listen to these events until the host's daemon is stopped; no backoff is shortened."""
    waiting, stop = of.daemon.event_queue, of.daemon.stop
    EventListener(events, waiting, stop, of.metrics, longest, clock or Clock()).listen()


@pytest.fixture(autouse=True)
def _talkative(caplog: pytest.LogCaptureFixture) -> None:
    """Hears everything that the daemon says."""
    caplog.set_level(logging.INFO, logger="registrator")


def test_what_runs_is_registered_and_stays_when_the_daemon_stops() -> None:
    """A daemon that is updated takes nobody's services away."""
    host = world(WEB).play()
    assert host.over.is_set()
    assert registered(host) == ["host-1:web:80"]


def test_services_go_with_the_daemon_where_that_is_wanted() -> None:
    """-deregister-on-exit takes all that is ours."""
    assert registered(world(WEB, deregister_on_exit=True).play()) == []


def test_services_that_cannot_go_with_the_daemon_do_not_keep_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An agent that is away is no reason to stay."""
    host = world(WEB, deregister_on_exit=True)

    def goes_away() -> None:
        assert isinstance(host.registry, FakeRegistry)
        host.registry.silent = True
        host.daemon.end()

    host.play(goes_away)
    assert "services stay registered: Consul is silent" in caplog.messages


@pytest.mark.parametrize(
    "trouble",
    [SourceError("closed the event stream"), KeyError("Actor"), RuntimeError("odd"), None],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_stream_that_breaks_is_opened_again(trouble: Exception | None) -> None:
    """Whatever ends the events, there is another subscription and a look at everything (B8)."""
    host = world()

    def breaks() -> None:
        assert isinstance(host.source, FakeSource)
        host.source.containers = [WEB]
        host.happening.put(trouble)

    host.play(breaks)
    assert host.subscriptions == 2
    assert registered(host) == ["host-1:web:80"]


def test_a_stream_that_cannot_be_opened_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker is away: the log has one line, the metrics every attempt."""
    host = world()
    monkeypatch.setattr(host.daemon.stop, "wait", lambda seconds: None)
    attempts = iter(range(5))

    def opens() -> Iterator[Event]:
        if next(attempts) == 4:
            host.daemon.stop.set()
        raise SourceError("Docker is away")

    listen(host, opens)
    assert caplog.messages == ["waiting: Docker is away"]
    assert isinstance(host.metrics, FakeMetrics)
    assert host.metrics.of("error") == [("events",)] * 5


def test_a_stream_that_always_ends_is_opened_ever_more_rarely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that closes every stream at once does not become a storm; one that lasted may."""
    host, clock, waits = world(), Clock(), []
    lives = [0.0, 0.0, 0.0, 60.0, 0.0]

    def opens() -> Iterator[Event]:
        yield ("subscribed", "", {})
        clock.now += lives.pop(0)
        if not lives:
            host.daemon.stop.set()

    monkeypatch.setattr(host.daemon.stop, "wait", waits.append)
    listen(host, opens, clock)
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.1, 0.2])


def test_events_are_counted() -> None:
    """The metrics hear of each event by its action, and of no subscription."""
    host = world(WEB)
    host.play(lambda: host.happening.put(("start", WEB.id, {})))
    assert isinstance(host.metrics, FakeMetrics)
    assert host.metrics.of("event") == [("start",)]


# Ending.


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the process's signal handlers back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [(number, signal.getsignal(number)) for number in numbers]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def sends(number: signal.Signals) -> Callable[[], None]:
    """The step in which this process is sent a signal."""
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("handlers")
def test_a_signal_ends_the_daemon(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end a daemon that waits for events."""
    host = world(WEB)
    handle_signals(host.daemon)
    host.play(sends(number))
    assert host.daemon.stop.is_set()
    assert not host.over.is_set()


@pytest.mark.usefixtures("handlers")
def test_a_hangup_makes_the_daemon_look() -> None:
    """SIGHUP is a resync at once."""
    host = world()
    handle_signals(host.daemon)

    def hangs_up() -> None:
        assert isinstance(host.source, FakeSource)
        host.source.containers = [WEB]
        sends(signal.SIGHUP)()

    host.play(hangs_up)
    assert registered(host) == ["host-1:web:80"]


def test_a_request_that_hangs_does_not_keep_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends within a second even while an agent answers nothing."""
    monkeypatch.setattr("registrator.sync.loop._STOP_SECONDS", 0.02)
    host, answers = world(WEB), threading.Event()

    def hangs(body: object) -> None:
        host.daemon.end()
        answers.wait(5)

    monkeypatch.setattr(host.registry, "register", hangs)
    began = time.monotonic()
    host.play()
    assert time.monotonic() - began < 1
    answers.set()
