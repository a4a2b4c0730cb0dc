"""A balancer follows Consul: what is there is asked, what is gone is not."""

from __future__ import annotations

import threading

from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

WEB = [{"name": "web"}]


def test_what_starts_and_stops_is_followed(stage: Stage) -> None:
    """One instance, a second, the first again alone, and none."""
    first = stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    before = stage.loaded()
    second = stage.backend("two")
    stage.serving("one", "two")
    stage.deregister(second)
    stage.serving("one")
    assert stage.get().headers["X-Backend"] == first.place
    if stage.follows_without_a_reload:
        assert stage.loaded() == before
    else:
        assert stage.loaded() == before + 2
    stage.deregister(first)
    stage.sees("nobody", lambda: stage.get().status == 503)


def test_the_first_instance_is_routed_to_when_it_is_known(stage: Stage) -> None:
    """Until then its service is empty, and nobody meets anything between the two."""
    stage.start(services=WEB)
    load = Load.without_a_pause(stage.place.address, stage.port)
    stage.backend("one")
    stage.serving("one")
    assert {each.outcome for each in load.end()} == {"503", "200"}


def test_consul_away_changes_nothing(stage: Stage) -> None:
    """Killed, and the last good set serves; back, and what has changed is followed."""
    stage.backend("one")
    stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port, rate=40)
    stage.agent.kill()
    stage.misses_consul()
    assert stage.names() == {"one", "two"}
    away = load.end() if not stage.guarded else []
    stage.agent.start()
    stage.backend("three")
    stage.serving("one", "two", "three")
    stage.hears_consul()
    assert failures(away or load.end()) == []


def test_it_starts_with_consul_away(stage: Stage) -> None:
    """The first time it says 503 and waits; Consul comes, and it serves."""
    stage.agent.kill()
    stage.start(services=WEB)
    assert stage.get().status == 503
    stage.agent.start()
    stage.backend("one")
    stage.serving("one")


def test_a_container_made_anew_serves_what_was_served(stage: Stage) -> None:
    """With Consul away, another container on the same volume serves from its first moment."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.sees("the instance on the volume", lambda: stage.keeps(stage.backends[0]))
    stage.agent.kill()
    load = Load.without_a_pause(stage.place.address, stage.port)
    stage.recreate()
    assert stage.names() == {"one"}
    # In between nobody is there to answer.
    answers = {each.outcome for each in load.end() if each.outcome.isdigit()}
    assert answers == {"200"} or not stage.guarded


def test_a_container_made_anew_serves_on_while_consul_is_away(stage: Stage) -> None:
    """What it has read from the volume stays when Consul was asked in vain."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.sees("the instance on the volume", lambda: stage.keeps(stage.backends[0]))
    stage.agent.kill()
    stage.recreate()
    stage.misses_consul()
    assert stage.rotation() == {"web": 1}
    stage.agent.start()
    stage.backend("two")
    stage.serving("one", "two")
    stage.deregister(stage.backends[0])
    stage.serving("two")


def test_other_settings_come_into_use_while_consul_is_away(stage: Stage) -> None:
    """The instances stay."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.sees("the instance on the volume", lambda: stage.keeps(stage.backends[0]))
    stage.agent.kill()
    stage.settings(services=[*WEB, {"name": "shop", "hosts": ["shop.example"]}])
    stage.sees("the route", lambda: stage.get(host="shop.example").status == 503)
    stage.misses_consul()
    assert stage.rotation()["web"] == 1


def test_it_stops_when_every_request_is_answered(stage: Stage) -> None:
    """SIGTERM lets a slow request end, and the container ends with status 0."""
    one = stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(stage.get("/slow?seconds=2").status), daemon=True
    )
    asking.start()
    stage.sees("the request", lambda: ("GET", "/slow?seconds=2") in one.seen)
    stage.docker("stop", stage.name)
    asking.join(10)
    assert answers == [200]
    assert stage.docker("wait", stage.name) == "0"
