"""Requests find their service by host and path, and an instance that can answer them."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

WEB = [{"name": "web"}]


def test_services_are_found_by_host_and_path(stage: Stage) -> None:
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
    stage.rotates(web=1, shop=1, api=1, wild=1)
    asked = {
        ("shop.example", "/x"): "shop-1 /x",
        ("shop.example", "/api"): "api-1 /",
        ("shop.example", "/api/v1?a=b"): "api-1 /v1?a=b",
        ("shop.example", "/apiary"): "shop-1 /apiary",
        ("SHOP.example", "/"): "shop-1 /",
        ("SHOP.example:80", "/"): "shop-1 /",
        ("a.wild.example", "/"): "wild-1 /",
        ("other.example", "/page/1"): "web-1 /page/1",
    }
    assert {each: stage.get(each[1], host=each[0]).text for each in asked} == asked
    assert stage.get("/", host="other.example").status == 404


def test_a_health_check_is_not_logged(stage: Stage) -> None:
    """Consul asks every few seconds; the requests of clients are logged."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    # While it starts, an error of it may name the path.
    before = stage.log().count("/healthz")
    stage.get("/healthz")
    stage.get("/seen")
    stage.says("/seen")
    assert stage.log().count("/healthz") == before


def test_a_dead_instance_costs_nobody_a_request(stage: Stage) -> None:
    """It refuses connections and Consul does not know yet: GET and POST go to the next."""
    stage.backend("one")
    dead = stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    stage.kill(dead)
    for method in ("GET", "POST"):
        for _ in range(10):
            answer = stage.get(method=method, body="x" if method == "POST" else None)
            assert (answer.status, answer.text) == (200, "one /")


def test_a_post_is_not_sent_twice(stage: Stage) -> None:
    """An instance that fails or breaks off after it has read the body has had its one try."""
    first, second = stage.backend("one"), stage.backend("two")
    stage.start(services=WEB)
    for path, kind, status, tries in (
        ("/?code=503", "POST", 503, 1),
        ("/?code=503", "GET", 503, stage.tries),
        ("/break", "POST", 502, 1),
    ):
        stage.serving("one", "two")
        for backend in (first, second):
            backend.seen.clear()
        body = "x" if kind == "POST" else None
        assert stage.get(path, method=kind, body=body).status == status
        assert len(first.seen) + len(second.seen) == tries
        assert kind == "POST" or (first.seen and second.seen)


def test_other_settings_come_into_use_without_a_lost_request(stage: Stage) -> None:
    """Another route while clients ask; idle connections may be closed, the instances are there."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    load = Load.without_a_pause(stage.place.address, stage.port, reopens=True)
    load.reaches(50)
    stage.settings(services=[{"name": "web"}, {"name": "shop", "hosts": ["shop.example"]}])
    stage.acknowledged()
    assert stage.get(host="shop.example").status == 503
    load.reaches(len(load.samples) + 20)
    assert failures(load.end()) == []
