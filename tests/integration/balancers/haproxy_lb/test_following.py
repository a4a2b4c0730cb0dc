"""HAProxy follows Consul's DNS: what is there is asked, what is gone is not."""

from __future__ import annotations

import time

from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage
from ansible_collections.rollcall.discovery.tests.support.stalls import at_most


def test_an_instance_that_dies_costs_no_request(stage: HaproxyStage) -> None:
    """Killed and still in Consul: the other answers, and it is asked no more.

    A POST that it had, or that its listener's queue held, is lost: nobody may send it twice.
    """
    stage.backend("one")
    dying = stage.backend("two")
    stage.start()
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port)
    load.reaches(50)
    dying.stop()
    died = time.monotonic()
    with at_most(5, "to see that an instance is dead"):
        stage.rotates(web=1)
    load.reaches(len(load.samples) + 50)
    lost = failures(load.end())
    assert [each for each in lost if each.at > died or "POST" not in each.kind] == []


def test_a_container_made_anew_begins_with_what_was_served(stage: HaproxyStage) -> None:
    """With Consul away, another container on the same volume knows the addresses."""
    one = stage.backend("one")
    stage.start()
    stage.serving("one")
    stage.sees("the instance on the volume", lambda: stage.keeps(one))
    stage.agent.kill()
    assert stage.first_answer().name == "one"


def test_many_instances_fit_into_an_answer(stage: HaproxyStage) -> None:
    """Sixty instances are sixty servers, though a plain answer of DNS holds a few."""
    for number in range(60):
        stage.agent.register("web", f"web-{number}", Address="127.0.0.1", Port=20000 + number)
    stage.start(slots=100, check_interval="60s")
    stage.rotates(web=60)


def test_slots_are_a_ceiling(stage: HaproxyStage) -> None:
    """Of three instances two are served; one leaves, and the third comes in."""
    for name in ("one", "two", "three"):
        stage.backend(name)
    stage.start(slots=2)
    stage.rotates(web=2)
    asked = stage.names()
    assert len(asked) == 2
    leaving = next(each for each in stage.backends if each.name in asked)
    stage.deregister(leaving)
    stage.serving(*({"one", "two", "three"} - {leaving.name}))


def test_all_instances_may_be_replaced_at_once(stage: HaproxyStage) -> None:
    """Every slot becomes free in one moment, and is filled again."""
    old = [stage.backend("one"), stage.backend("two")]
    stage.start(slots=2)
    stage.serving("one", "two")
    for each in old:
        stage.deregister(each)
    stage.sees("nobody", lambda: stage.get().status == 503)
    stage.backend("three")
    stage.backend("four")
    stage.serving("three", "four")


def test_an_instance_that_answers_its_check_badly_gets_nothing(stage: HaproxyStage) -> None:
    """With a check path, whoever does not answer it with 2xx or 3xx is left alone."""
    stage.backend("one")
    # Consul's own HTTP accepts connections, and says 404 to this path.
    stage.agent.register("web", "other", Address="127.0.0.1", Port=stage.agent.port)
    stage.start(check_path="/page")
    stage.sees("a check", lambda: ("GET", "/page") in stage.backends[0].seen)
    stage.serving("one")
    assert (stage.names(), stage.rotation()) == ({"one"}, {"web": 1})
