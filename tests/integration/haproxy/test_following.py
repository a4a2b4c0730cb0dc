"""HAProxy follows Consul's DNS: what is there is asked, what is gone is not."""

from __future__ import annotations

import threading
import time

from ..balancer.load import Load, failures
from .stage import HaproxyStage


def test_what_starts_and_stops_is_followed_without_a_reload(stage: HaproxyStage) -> None:
    """One instance, a second, the first again alone, and one configuration all the time."""
    first = stage.backend("one")
    stage.start()
    stage.serving("one")
    second = stage.backend("two")
    stage.serving("one", "two")
    stage.deregister(second)
    stage.serving("one")
    assert stage.get().headers["x-backend"] == first.place
    stage.deregister(first)
    stage.sees("nobody", lambda: stage.get().status == 503)
    assert stage.generations() == 1


def test_an_instance_that_dies_costs_no_request(stage: HaproxyStage) -> None:
    """Killed and still in Consul: the other answers, and it is asked no more.

    A POST that it had, or that its listener's queue held, is lost: nobody may send it twice.
    """
    stage.backend("one")
    dying = stage.backend("two")
    stage.start()
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port)
    time.sleep(0.5)
    dying.stop()
    died = time.monotonic()
    stage.sees("one server", lambda: stage.servers() == {"web": 1}, 5)
    lost = failures(load.end())
    assert [each for each in lost if each.at > died or "POST" not in each.kind] == []


def test_a_get_is_tried_elsewhere_and_a_post_is_not(stage: HaproxyStage) -> None:
    """An answer of 503 sends a GET on; a POST was sent once, and gets what it got."""
    stage.backend("one")
    stage.backend("two")
    stage.start()
    stage.serving("one", "two")
    assert stage.get("/a?code=503").status == 503
    assert stage.get("/b?code=503", method="POST").status == 503
    seen = [path[:2] for each in stage.backends for _, path in each.seen]
    assert (seen.count("/a"), seen.count("/b")) == (4, 1)
    assert all(("GET", "/a?code=503") in each.seen for each in stage.backends)


def test_a_post_is_tried_elsewhere_while_nothing_was_sent(stage: HaproxyStage) -> None:
    """Where nobody accepts the connection, another instance gets the POST."""
    stage.backend("one")
    dead = stage.backend("two")
    stage.start()
    stage.serving("one", "two")
    dead.stop()
    assert {stage.get(method="POST").status for _ in range(6)} == {200}


def test_consul_away_keeps_serving(stage: HaproxyStage) -> None:
    """Killed, and every instance serves on; back, and what has changed is followed."""
    stage.backend("one")
    stage.backend("two")
    stage.start()
    stage.serving("one", "two")
    stage.agent.kill()
    time.sleep(4)
    assert stage.names() == {"one", "two"}
    stage.agent.start()
    stage.backend("three")
    stage.serving("one", "two", "three")


def test_it_starts_with_consul_away(stage: HaproxyStage) -> None:
    """The first time it says 503 and waits; Consul comes, and it serves."""
    stage.agent.kill()
    stage.start()
    assert stage.get().status == 503
    stage.agent.start()
    stage.backend("one")
    stage.serving("one")


def test_a_container_made_anew_serves_what_was_served(stage: HaproxyStage) -> None:
    """With Consul away, another container on the same volume knows the addresses and the keys."""
    stage.backend("one")
    stage.set("web/timeout_server", "1s")
    stage.start()
    stage.serving("one")
    stage.sees("the key", lambda: stage.get("/slow?seconds=2", method="POST").status == 504)
    time.sleep(2.5)
    stage.agent.kill()
    stage.recreate()
    assert stage.names() == {"one"}
    assert stage.get("/slow?seconds=2", method="POST").status == 504


def test_many_instances_fit_into_an_answer(stage: HaproxyStage) -> None:
    """Sixty instances are sixty servers, though a plain answer of DNS holds a few."""
    for number in range(60):
        stage.agent.register("web", f"web-{number}", Address="127.0.0.1", Port=20000 + number)
    stage.start(slots=100, check_interval="60s")
    stage.sees("sixty", lambda: stage.servers() == {"web": 60})


def test_slots_are_a_ceiling(stage: HaproxyStage) -> None:
    """Of three instances two are served; one leaves, and the third comes in."""
    for name in ("one", "two", "three"):
        stage.backend(name)
    stage.start(slots=2)
    stage.sees("two servers", lambda: stage.servers() == {"web": 2})
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


def test_it_stops_when_every_request_is_answered(stage: HaproxyStage) -> None:
    """SIGTERM lets a slow request end, and the container ends with status 0."""
    stage.backend("one")
    stage.start()
    stage.serving("one")
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(stage.get("/slow?seconds=2").status), daemon=True
    )
    asking.start()
    time.sleep(0.5)
    stage.docker("stop", stage.name)
    asking.join(10)
    assert answers == [200]
    assert stage.docker("wait", stage.name) == "0"


def test_services_are_found_by_host_and_path(stage: HaproxyStage) -> None:
    """Four services behind one port; a path of a name nobody has is not found."""
    for name in ("web", "shop", "api", "wild"):
        stage.backend(f"{name}-1", name)
    stage.start(
        services=[
            {"name": "shop", "hosts": ["shop.example"]},
            {"name": "api", "hosts": ["shop.example"], "path": "/api", "strip_path": True},
            {"name": "wild", "hosts": ["*.wild.example"]},
            {"name": "web", "path": "/page"},
        ]
    )
    everybody = {"web": 1, "shop": 1, "api": 1, "wild": 1}
    stage.sees("all four", lambda: stage.servers() == everybody)
    asked = {
        ("shop.example", "/x"): "shop-1 /x",
        ("shop.example", "/api"): "api-1 /",
        ("shop.example", "/api/v1?a=b"): "api-1 /v1?a=b",
        ("shop.example", "/apiary"): "shop-1 /apiary",
        ("SHOP.example:80", "/"): "shop-1 /",
        ("a.wild.example", "/"): "wild-1 /",
        ("other.example", "/page/1"): "web-1 /page/1",
    }
    assert {each: stage.get(each[1], host=each[0]).text for each in asked} == asked
    assert stage.get("/", host="other.example").status == 404


def test_an_instance_that_answers_its_check_badly_gets_nothing(stage: HaproxyStage) -> None:
    """With a check path, whoever does not answer it with 2xx or 3xx is left alone."""
    stage.backend("one")
    # Consul's own HTTP accepts connections, and says 404 to this path.
    stage.agent.register("web", "other", Address="127.0.0.1", Port=stage.agent.port)
    stage.start(check_path="/page")
    stage.sees("a check", lambda: ("GET", "/page") in stage.backends[0].seen)
    stage.serving("one")
    assert (stage.names(), stage.servers()) == ({"one"}, {"web": 1})
