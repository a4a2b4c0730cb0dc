"""Instances come and go all the time, and users notice nothing."""

from __future__ import annotations

import http.client
import threading
import time

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.backends import Backend
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import (
    Load,
    failures,
    p99,
)
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

WEB = [{"name": "web"}]
RATE = 60
CHURN_RATE = 200
# Longer than a change takes to reach nginx, on a machine that does other things too.
GRACE_SECONDS = 2.0


def churn(stage: NginxStage, changes: int, seconds: float) -> None:
    """So many starts and stops in so many seconds; a stopped one serves on for a while.

    A connection that the kernel has accepted and the program has not dies with its listener: a POST
    on it is lost, whoever balances. Only who is out of rotation by then loses none.
    """
    alive: list[Backend] = []
    timers = []
    for number in range(changes):
        began = time.monotonic()
        if number % 2 == 0:
            alive.append(stage.backend(f"churn-{number}"))
        else:
            leaving = alive.pop(0)
            stage.deregister(leaving)
            stage.backends.remove(leaving)
            timers.append(threading.Timer(GRACE_SECONDS, leaving.stop))
            timers[-1].start()
        time.sleep(max(0.0, seconds / changes - (time.monotonic() - began)))
    for timer in timers:
        timer.join()


def test_a_hundred_starts_and_stops_in_ten_seconds(stage: NginxStage) -> None:
    """No request fails, POST and kept connections included, and nginx never reloads."""
    for name in ("one", "two"):
        stage.backend(name)
    stage.start(services=WEB)
    stage.serving("one", "two")
    calm = Load(stage.place.address, stage.port, rate=CHURN_RATE)
    calm.reaches(5 * CHURN_RATE)
    quiet = calm.end()
    before = stage.loaded()
    load = Load(stage.place.address, stage.port, rate=CHURN_RATE)
    churn(stage, 100, 10)
    stage.serving("one", "two")
    samples = load.end()
    reloads = stage.loaded() - before
    ratio = p99(samples) / p99(quiet)
    print(f"{len(samples)} requests, {reloads} reloads, p99 {ratio:.2f} of the calm run's")
    assert failures(samples) == []
    assert reloads == 0


def test_kept_connections_survive_changes(stage: NginxStage) -> None:
    """A client that keeps its connection and rests between requests meets no closed one."""
    for name in ("one", "two"):
        stage.backend(name)
    stage.start(services=WEB)
    stage.serving("one", "two")
    before = stage.loaded()
    connections = [
        http.client.HTTPConnection(stage.place.address, stage.port, timeout=5) for _ in range(20)
    ]
    for turn in range(6):
        for connection in connections:
            connection.request("POST" if turn % 2 else "GET", "/", body="x" if turn % 2 else None)
            assert connection.getresponse().read()
        stage.backend(f"more-{turn}")
        stage.rotates(web=3 + turn)
    for connection in connections:
        connection.close()
    assert stage.loaded() == before


@pytest.mark.parametrize("kind", ["GET", "POST"])
def test_a_replacement_after_the_acknowledgement_is_lossless(stage: NginxStage, kind: str) -> None:
    """Out, acknowledged, killed, started anew: three times, and no request fails."""
    backends = [stage.backend(name) for name in ("one", "two")]
    stage.start(services=WEB)
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port, rate=RATE)
    for turn in range(3):
        old = backends.pop(0)
        stage.deregister(old)
        stage.forgets(old)
        stage.kill(old)
        backends.append(stage.backend(f"new-{turn}"))
        stage.serving(*(each.name for each in backends))
        # A fifth of them are POST.
        load.reaches(len(load.samples) + 50)
    samples = [each for each in load.end() if kind in each.kind]
    assert len(samples) > 20
    assert failures(samples) == []
