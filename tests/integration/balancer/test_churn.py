"""Instances come and go all the time, and users notice nothing."""

from __future__ import annotations

import http.client
import threading
import time

import pytest

from .backends import Backend
from .load import Load, failures, p99
from .stage import Stage, both_planes

WEB = [{"name": "web"}]
RATE = 60
CHURN_RATE = 200
# nginx_lb_reload_churn_seconds, and what a reload takes on a machine that does other things too.
GRACE_SECONDS = 4.0


def churn(stage: Stage, changes: int, seconds: float) -> None:
    """So many starts and stops in so many seconds; a stopped one serves on for the longest pause.

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


@both_planes
def test_a_hundred_starts_and_stops_in_ten_seconds(stage: Stage) -> None:
    """No request fails, POST and kept connections included, and nginx reloads six times at most."""
    for name in ("one", "two"):
        stage.backend(name)
    stage.start(services=WEB)
    stage.serving("one", "two")
    calm = Load(stage.place.address, stage.port, rate=CHURN_RATE)
    time.sleep(5)
    quiet = calm.end()
    before = stage.metrics()["nginx_lb_reloads_total"]
    load = Load(stage.place.address, stage.port, rate=CHURN_RATE)
    churn(stage, 100, 10)
    stage.serving("one", "two")
    samples = load.end()
    reloads = stage.metrics()["nginx_lb_reloads_total"] - before
    ratio = p99(samples) / p99(quiet)
    print(f"{len(samples)} requests, {reloads:.0f} reloads, p99 {ratio:.2f} of the calm run's")
    assert failures(samples) == []
    assert reloads <= (0 if stage.plane == "dns" else 6)


@both_planes
def test_kept_connections_survive_reloads(stage: Stage) -> None:
    """A client that keeps its connection and rests between requests meets no closed one."""
    for name in ("one", "two"):
        stage.backend(name)
    stage.start(services=WEB)
    stage.serving("one", "two")
    connections = [
        http.client.HTTPConnection(stage.place.address, stage.port, timeout=5) for _ in range(20)
    ]
    for turn in range(6):
        for connection in connections:
            connection.request("POST" if turn % 2 else "GET", "/", body="x" if turn % 2 else None)
            assert connection.getresponse().read()
        stage.backend(f"more-{turn}")
        time.sleep(1.5)
    for connection in connections:
        connection.close()
    reloads = stage.metrics()["nginx_lb_reloads_total"]
    assert reloads <= 2 if stage.plane == "dns" else reloads >= 4


@both_planes
def test_an_instance_is_acknowledged_as_out(stage: Stage) -> None:
    """Taken out, it is shown as long as an old worker may send it something, and then no more."""
    stage.backend("one")
    two = stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    slow = threading.Thread(target=lambda: [stage.get("/slow?seconds=4") for _ in range(2)])
    slow.start()
    time.sleep(0.5)
    stage.agent.call(
        "PUT", f"/v1/agent/service/maintenance/{two.name}?enable=true&reason=rolling+update"
    )

    def row() -> dict[str, object] | None:
        found = [each for each in stage.instances()["instances"] if each["id"] == "two"]
        return found[0] if found else None

    out = stage.sees("it leaves the rotation", lambda: (r := row()) and not r["in_rotation"] and r)
    assert out["generations"]
    stage.sees("nobody knows it any more", lambda: row() is None, 20)
    slow.join()
    two.seen.clear()
    for _ in range(20):
        stage.get()
    assert two.seen == []
    stage.agent.call("PUT", f"/v1/agent/service/maintenance/{two.name}?enable=false")
    stage.serving("one", "two")


@both_planes
@pytest.mark.parametrize("kind", ["GET", "POST"])
def test_a_replacement_after_the_acknowledgement_is_lossless(stage: Stage, kind: str) -> None:
    """Out, acknowledged, killed, started anew: three times, and no request fails."""
    backends = [stage.backend(name) for name in ("one", "two")]
    stage.start(services=WEB, keepalive_min_timeout="1s")
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port, rate=RATE)
    for turn in range(3):
        old = backends.pop(0)
        stage.deregister(old)
        port = old.port
        stage.sees(
            "nobody knows it",
            lambda port=port: port not in [r["port"] for r in stage.instances()["instances"]],
        )
        old.stop()
        stage.backends.remove(old)
        backends.append(stage.backend(f"new-{turn}"))
        stage.serving(*(each.name for each in backends))
    samples = [each for each in load.end() if kind in each.kind]
    assert len(samples) > 20
    assert failures(samples) == []
