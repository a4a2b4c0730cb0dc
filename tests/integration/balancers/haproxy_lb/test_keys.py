"""Consul's keys are settings: a good one comes into use, a bad one changes nothing."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage

# Long after the timeout of a second: HAProxy may look at its clock late, but not as late.
SLOW = "/slow?seconds=6"


def slow(stage: HaproxyStage) -> int:
    """The status of a slow request that is sent once."""
    return stage.get(SLOW, method="POST").status


def test_a_key_comes_into_use_and_goes_without_a_lost_request(stage: HaproxyStage) -> None:
    """Under load a timeout is set and deleted again: each takes effect, every request is served."""
    stage.backend("one")
    stage.backend("two")
    stage.start()
    stage.serving("one", "two")
    assert slow(stage) == 200
    load = Load(stage.place.address, stage.port)
    stage.set("web/timeout_server", "1s")
    stage.sees("the timeout", lambda: slow(stage) == 504)
    stage.unset("web/timeout_server")
    stage.sees("no timeout", lambda: slow(stage) == 200)
    samples = load.end()
    assert len(samples) > 200
    assert failures(samples) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("web/timeout_server", "soon"),
        ("web/timeout_server", "1s\n  setenv HOME /"),
        ("web/maxconn", "1\nfrontend evil\n  bind :6666"),
        ("web/maxconn", "-1"),
        ("web/maxconn", "${HOME}"),
        ("web/balance", 'roundrobin" #'),
        ("web/balance", '[[ key "secret" ]]'),
        ("web/retries", "\u0663"),
        ("web/weight", "1"),
        ("web/maxconn/more", "1"),
        ("other/maxconn", "1"),
        ("web/maxconn\nglobal", "1"),
    ],
    ids=ascii,
)
def test_a_bad_key_changes_nothing_and_is_reported(
    stage: HaproxyStage, key: str, value: str
) -> None:
    """It is skipped with a line in the log; its neighbour comes into use all the same."""
    stage.backend("one")
    stage.set(key, value)
    stage.set("web/timeout_connect", "777ms")
    stage.start()
    stage.acknowledged()
    stage.says("haproxy-lb: skipped")
    [sentence] = stage.state()["skipped"]
    assert sentence.startswith(f'"{key.split(chr(10))[0]}')
    lines = stage.inside("cat", "/var/lib/haproxy-lb/current/20-keys.cfg").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert settings == ["global", "  setenv ROLLCALL_WEB_TIMEOUT_CONNECT 777ms"]
    stage.serving("one")


def test_settings_that_haproxy_refuses_change_nothing(stage: HaproxyStage) -> None:
    """The last good configuration serves on, the reason is told, and keys still come into use."""
    stage.backend("one")
    stage.start()
    stage.serving("one")
    stage.settings(snippet="nosuch thing")
    stage.sees("the reason", lambda: "unknown keyword 'nosuch'" in stage.refusal())
    assert "haproxy-lb: refused, the last good configuration serves on" in stage.log()
    stage.set("web/timeout_server", "1s")
    stage.sees("the key", lambda: slow(stage) == 504)
    stage.recreate()
    assert stage.names() == {"one"}


def test_a_container_made_anew_knows_the_keys(stage: HaproxyStage) -> None:
    """With Consul away, another container on the same volume has what the keys said."""
    one = stage.backend("one")
    stage.set("web/timeout_server", "1s")
    stage.start()
    stage.serving("one")
    stage.sees("the key", lambda: slow(stage) == 504)
    stage.sees("the instance on the volume", lambda: stage.keeps(one))
    stage.agent.kill()
    assert stage.first_answer(SLOW, method="POST").status == 504


def test_the_follower_comes_back(stage: HaproxyStage) -> None:
    """consul-template killed is started again, and follows."""
    stage.backend("one")
    stage.start()
    stage.serving("one")
    stage.kill_follower()
    stage.set("web/timeout_server", "1s")
    stage.sees("the key", lambda: slow(stage) == 504)
