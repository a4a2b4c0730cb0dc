"""What the daemon did, as Prometheus reads it, and how it is, as probes ask."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from registrator.ops.healthcheck import problem
from registrator.ops.metrics import Metrics


def values(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name and labels."""
    lines = [line for line in metrics.render().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_a_new_daemon_counts_from_nothing(clock: Clock) -> None:
    """Every counter is there before anything happened, and an age only when there is one."""
    assert values(Metrics(10, clock=clock)) == {
        "registrator_cycles_total": 0,
        "registrator_registrations_total": 0,
        "registrator_deregistrations_total": 0,
        "registrator_refusals_total": 0,
        "registrator_services": 0,
        "registrator_containers": 0,
        "registrator_draining": 0,
        "registrator_healthy": 1,
    }


def test_what_happens_is_counted(clock: Clock) -> None:
    """Counters add up, gauges say how it is now."""
    metrics = Metrics(10, clock=clock)
    metrics.cycle(3, 0, 3, 2)
    metrics.cycle(0, 1, 2, 1)
    metrics.refused()
    metrics.error("consul")
    metrics.error("consul")
    metrics.error("docker")
    metrics.event("start")
    metrics.draining(1)
    clock.now += 2.5
    assert values(metrics) == {
        "registrator_cycles_total": 2,
        "registrator_registrations_total": 3,
        "registrator_deregistrations_total": 1,
        "registrator_refusals_total": 1,
        'registrator_errors_total{kind="consul"}': 2,
        'registrator_errors_total{kind="docker"}': 1,
        'registrator_events_total{action="start"}': 1,
        "registrator_services": 2,
        "registrator_containers": 1,
        "registrator_draining": 1,
        "registrator_last_success_age_seconds": 2.5,
        "registrator_healthy": 1,
    }


def test_the_text_is_prometheus_own() -> None:
    """Each family has its help and its type, and the text ends with a line's end."""
    metrics = Metrics(10)
    metrics.event('odd "action" \\ \n')
    text = metrics.render()
    assert text.endswith("\n")
    families = re.findall(r"^# TYPE (\S+) (counter|gauge)$", text, re.MULTILINE)
    assert [name for name, kind in families if kind == "counter" and name[-6:] != "_total"] == []
    assert len(re.findall(r"^# HELP ", text, re.MULTILINE)) == len(families)
    sample = r'registrator_[a-z_]+(\{[a-z]+="([^"\\\n]|\\[\\"n])*"\})? [0-9.]+'
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(sample, line) for line in lines)


# Health.


@pytest.mark.parametrize(
    ("resync", "seconds", "good"),
    [(10, 30, True), (10, 31, False), (60, 180, True), (60, 181, False), (1, 30, True)],
)
def test_reconciling_lags_after_three_resyncs(
    clock: Clock, resync: float, seconds: float, good: bool
) -> None:
    """And after half a minute at the least; before the first success it counts from the start."""
    started, ran = Metrics(resync, clock=clock), Metrics(resync, clock=clock)
    ran.cycle(0, 0, 0, 0)
    clock.now += seconds
    assert [started.health().healthy, ran.health().healthy] == [good, good]


def test_a_success_ends_the_lag(clock: Clock) -> None:
    """After an outage everything is well again."""
    metrics = Metrics(10, clock=clock)
    clock.now += 100
    metrics.error("consul")
    assert not metrics.health().healthy
    assert "no successful cycle since the start 100 s ago" in metrics.health().message
    metrics.cycle(0, 0, 0, 0)
    assert metrics.health().healthy


def test_an_idle_daemon_without_resync_is_well(clock: Clock) -> None:
    """With -resync=0 nothing has to happen, however long it is quiet."""
    metrics = Metrics(0, clock=clock)
    metrics.cycle(0, 0, 0, 0)
    clock.now += 1e6
    assert metrics.health().healthy


def test_without_resync_trouble_counts_from_its_beginning(clock: Clock) -> None:
    """Half a minute of failures is a lag, however often it was tried."""
    metrics = Metrics(0, clock=clock)
    metrics.cycle(0, 0, 0, 0)
    clock.now += 1000
    metrics.error("docker")
    clock.now += 29
    metrics.error("docker")
    assert metrics.health().healthy
    clock.now += 2
    assert not metrics.health().healthy


# The heartbeat.


def test_a_success_is_a_heartbeat(tmp_path: pathlib.Path, clock: Clock) -> None:
    """The file is good for as long as the daemon may be silent."""
    file = tmp_path / "alive"
    metrics = Metrics(60, file, clock)
    metrics.cycle(0, 0, 0, 0)
    written = file.stat().st_mtime
    assert problem(str(file), written + 180) == ""
    assert (
        problem(str(file), written + 181) == "the last heartbeat was 181 s ago, the limit is 180 s"
    )


def test_without_resync_a_heartbeat_is_good_until_trouble(
    tmp_path: pathlib.Path, clock: Clock
) -> None:
    """An idle daemon writes nothing; one in trouble is given half a minute."""
    file = tmp_path / "alive"
    metrics = Metrics(0, file, clock)
    metrics.cycle(0, 0, 0, 0)
    assert problem(str(file), file.stat().st_mtime + 1e9) == ""
    metrics.error("consul")
    assert problem(str(file), file.stat().st_mtime + 30) == ""
    assert problem(str(file), file.stat().st_mtime + 31)
    metrics.cycle(0, 0, 0, 0)
    assert problem(str(file), file.stat().st_mtime + 1e9) == ""


def test_a_heartbeat_that_cannot_be_written_ends_nothing(tmp_path: pathlib.Path) -> None:
    """A read-only container reconciles all the same."""
    metrics = Metrics(10, tmp_path / "nowhere" / "alive")
    metrics.cycle(0, 0, 0, 0)
    assert "registrator_cycles_total 1\n" in metrics.render()


@pytest.mark.parametrize("text", [None, "", "soon"])
def test_no_heartbeat_is_not_well(tmp_path: pathlib.Path, text: str | None) -> None:
    """A file that is missing or says nothing speaks for nobody."""
    file = tmp_path / "alive"
    if text is not None:
        file.write_text(text, encoding="ascii")
    assert problem(str(file), 0.0).startswith("no heartbeat: ")


def test_without_a_name_there_is_no_heartbeat() -> None:
    """Outside of the image nothing is written, and the health check says why it cannot know."""
    assert problem("", 0.0) == "REGISTRATOR_HEARTBEAT is not set"
