"""Events nudge the daemon, a resync corrects it, an outage is waited out."""

from __future__ import annotations

import logging
import signal
import types
from collections.abc import Iterator

import pytest
from registrator.daemon import stop_on_signals
from registrator.model import Container

from .builders import container
from .fakes import FakeRegistry, FakeSource, World, world

WEB = container("web")


class Clock:
    """A monotonic clock that stands until it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        """What the daemon reads."""
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Clock:
    """The daemon's clock; nothing is waited for, and everything said is heard."""
    caplog.set_level(logging.INFO, logger="registrator")
    clock = Clock()
    monkeypatch.setattr("registrator.daemon.time", clock)
    random = types.SimpleNamespace(uniform=lambda _low, _high: 0.0)
    monkeypatch.setattr("registrator.daemon.random", random)
    return clock


def host(*running: Container, **changes: str) -> World:
    """A host that runs these containers, with an empty agent."""
    return world(FakeSource(list(running)), FakeRegistry(), **changes)


def registered(of: World) -> list[str]:
    """The identifiers in the agent."""
    assert isinstance(of.registry, FakeRegistry)
    return sorted(of.registry.entries)


def runs(of: World, *running: Container) -> None:
    """From now on these containers run."""
    assert isinstance(of.source, FakeSource)
    of.source.containers = list(running)


def test_what_runs_is_registered_once_the_subscription_stands() -> None:
    """The first look comes after the subscription, so nothing can start unseen in between (B1)."""
    story = host(WEB)
    story.play()
    assert registered(story) == ["host-1:web:80"]
    assert len(story.drained) == 1


def test_an_event_makes_the_daemon_look() -> None:
    """A container that starts is registered without waiting for a resync."""
    story = host()

    def starts() -> None:
        runs(story, WEB)
        story.says("start", WEB)()

    story.play(starts)
    assert registered(story) == ["host-1:web:80"]


def test_a_burst_is_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compose project that goes down is reconciled once, not once for each container."""
    monkeypatch.setattr("registrator.daemon.QUIET_SECONDS", 0.05)
    project = [container(f"part-{number}") for number in range(10)]
    story = host(*project)

    def burst() -> None:
        for entry in project:
            story.says("kill", entry, signal="15")()

    story.play(burst)
    assert story.drained == [frozenset(), {entry.id for entry in project}]


def test_a_resync_looks_without_an_event() -> None:
    """What no event told is found when the resync is due."""
    story = host()
    story.daemon.resync = 0.001
    story.play(lambda: runs(story, WEB))
    assert registered(story) == ["host-1:web:80"]


def test_services_stay_when_the_daemon_stops() -> None:
    """A daemon that is updated takes nobody's services away."""
    story = host(WEB)
    story.play()
    assert story.daemon.stop.is_set()
    assert registered(story) == ["host-1:web:80"]


# Draining.


@pytest.mark.parametrize("number", ["15", "9", "3", "2"])
def test_a_container_that_is_told_to_stop_is_taken_out(number: str) -> None:
    """Clients stop coming before the container exits, not after (B10)."""
    story = host(WEB)
    story.play(story.says("kill", WEB, signal=number))
    assert registered(story) == []


@pytest.mark.parametrize("number", ["1", "10", "12"])
def test_a_signal_that_reloads_takes_nobody_out(number: str) -> None:
    """SIGHUP and the user's signals are not a container's end."""
    story = host(WEB)
    story.play(story.says("kill", WEB, signal=number))
    assert registered(story) == ["host-1:web:80"]


def test_only_the_container_that_stops_is_taken_out() -> None:
    """Its neighbours stay."""
    story = host(WEB, container("shop"))
    story.play(story.says("kill", WEB, signal="15"))
    assert registered(story) == ["host-1:shop:80"]


def test_a_restarted_container_comes_back() -> None:
    """The start after a stop ends the draining at once."""
    story = host(WEB)
    story.play(
        story.says("kill", WEB, signal="15"),
        story.says("die", WEB),
        story.says("start", WEB),
    )
    assert registered(story) == ["host-1:web:80"]


def test_a_container_that_survives_its_signal_comes_back(clock: Clock) -> None:
    """After its grace a container that still runs was not being stopped."""
    story = host(WEB)

    def later() -> None:
        clock.now += 13
        story.daemon.wake()

    story.play(story.says("kill", WEB, signal="15"), later)
    assert story.drained == [frozenset(), {WEB.id}, frozenset()]
    assert registered(story) == ["host-1:web:80"]


@pytest.mark.xfail(strict=True, reason="every container is given ten seconds, whatever its grace")
def test_a_longer_grace_is_respected(clock: Clock) -> None:
    """A container that may take a minute to stop stays out for that minute."""
    story = host(container("web", stop_timeout=60.0))

    def later() -> None:
        clock.now += 30
        story.daemon.wake()

    story.play(story.says("kill", WEB, signal="15"), later)
    assert registered(story) == []


@pytest.mark.xfail(strict=True, reason="a container's own stop signal is read and never used")
def test_a_containers_own_stop_signal_takes_it_out() -> None:
    """httpd is stopped by SIGWINCH: that is its end as SIGTERM is another's."""
    story = host(container("web", stop_signal="SIGWINCH"))
    story.play(story.says("kill", WEB, signal="28"))
    assert registered(story) == []


@pytest.mark.xfail(strict=True, reason="-deregister is checked and never used")
@pytest.mark.parametrize("code", ["1", "3"])
def test_on_success_keeps_what_failed(code: str) -> None:
    """With -deregister=on-success a container that failed stays, for its check to alarm."""
    story = host(WEB, deregister="on-success")

    def fails() -> None:
        runs(story)
        story.says("die", WEB, exitCode=code)()

    story.play(fails)
    assert registered(story) == ["host-1:web:80"]


@pytest.mark.parametrize("code", ["0", "137", "143"])
def test_on_success_removes_what_ended_or_was_stopped(code: str) -> None:
    """With -deregister=on-success an end without failure, or by a signal, is an end."""
    story = host(WEB, deregister="on-success")

    def ends() -> None:
        runs(story)
        story.says("die", WEB, exitCode=code)()

    story.play(ends)
    assert registered(story) == []


# Outages.


def test_an_outage_is_told_once_and_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """Consul goes and comes back: two lines, and the services stand."""
    registry = FakeRegistry(silent=True)
    story = world(FakeSource([WEB]), registry)

    def still_away() -> None:
        assert registry.entries == {}

    def returns() -> None:
        registry.silent = False

    story.play(still_away, still_away, returns)
    assert registered(story) == ["host-1:web:80"]
    assert [text for text in caplog.messages if text.startswith(("waiting", "recovered"))] == [
        "waiting: Consul is silent",
        "recovered: 1 registered, 0 deregistered",
    ]


def test_a_silent_engine_takes_nobody_out() -> None:
    """Docker restarts: until it answers everything stays as it is."""
    story = host(WEB)
    source = story.source
    assert isinstance(source, FakeSource)

    def goes() -> None:
        source.silent = True
        story.daemon.wake()

    story.play(goes, lambda: None)
    assert registered(story) == ["host-1:web:80"]


def test_a_broken_stream_is_opened_again_and_everything_listed() -> None:
    """What happened while nobody listened is found by the look after the new subscription."""
    story = host()

    def breaks() -> None:
        runs(story, WEB)
        story.happening.put(None)

    story.play(breaks)
    assert story.subscriptions >= 2
    assert registered(story) == ["host-1:web:80"]


def test_the_last_success_is_known(clock: Clock) -> None:
    """One can tell how long ago the agent was right."""
    story = host(WEB)
    story.play()
    assert story.daemon.last_success == clock.now


# Signals.


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the process's signal handlers back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [(number, signal.getsignal(number)) for number in numbers]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("handlers")
def test_a_signal_ends_the_daemon(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end a daemon that waits for events."""
    story = host(WEB)
    stop_on_signals(story.daemon)
    story.play(lambda: signal.raise_signal(number), lambda: pytest.fail("it went on"))
    assert story.daemon.stop.is_set()


@pytest.mark.usefixtures("handlers")
def test_a_hangup_makes_the_daemon_look() -> None:
    """SIGHUP is a resync at once."""
    story = host()
    stop_on_signals(story.daemon)

    def hangs_up() -> None:
        runs(story, WEB)
        signal.raise_signal(signal.SIGHUP)

    story.play(hangs_up)
    assert registered(story) == ["host-1:web:80"]
