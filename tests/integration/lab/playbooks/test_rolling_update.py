"""Web containers replaced one after the other, when no balancer sends to them any more.

That no request is lost on the way is the drill's to show: molecule's web_failover.
"""

from __future__ import annotations

import json

from ..conftest import HOSTS, Lab

PLAYBOOK = "playbooks/rolling_update.yml"
OTHERWISE = ("-e", "helloworld_check_interval=3s")


def test_what_is_as_wanted_is_not_touched(lab: Lab) -> None:
    """No container is replaced, and nothing is taken into maintenance."""
    assert not lab.converge().failed
    before = lab.containers()
    recap = lab.play(PLAYBOOK)
    assert (recap.changed, recap.failed) == (dict.fromkeys(HOSTS, 0), 0), recap.output
    assert lab.containers() == before


def test_a_dry_run_announces_and_does_nothing(lab: Lab) -> None:
    """Each host is told to change, and what runs goes on in rotation."""
    before = lab.containers()
    recap = lab.play(PLAYBOOK, "--check", "--diff", *OTHERWISE)
    assert not recap.failed, recap.output
    assert all(count > 0 for count in recap.changed.values())
    assert (lab.containers(), lab.passing()) == (before, before)


def test_a_balancer_that_does_not_follow_stops_it(lab: Lab) -> None:
    """Nothing was stopped, the maintenance has ended, and the play says who did not follow."""
    before = lab.containers()
    lab.ssh("host-1", "pkill -STOP -x consul-template")
    try:
        recap = lab.play(PLAYBOOK, *OTHERWISE, "-e", "rolling_update_wait_timeout=3")
    finally:
        lab.ssh("host-1", "pkill -CONT -x consul-template")
    assert recap.failed
    assert "helloworld-1 was not replaced" in " ".join(recap.output.split())
    assert (lab.containers(), lab.passing()) == (before, before)


def test_what_differs_is_replaced_and_serves(lab: Lab) -> None:
    """At its end the new ones are passing and in rotation; nothing is left in maintenance."""
    before = lab.containers()
    recap = lab.play(PLAYBOOK, *OTHERWISE)
    assert not recap.failed, recap.output
    after = lab.containers()
    assert not before & after
    assert lab.passing() == after
    status = json.loads(lab.ssh("host-1", "curl -fsS http://127.0.0.1:8404/instances"))
    serving = {(r["address"], r["port"]) for r in status["instances"] if r["in_rotation"]}
    assert serving == after
    assert not lab.play(PLAYBOOK).failed
