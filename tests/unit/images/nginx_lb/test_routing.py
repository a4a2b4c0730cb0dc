"""Which service gets which requests: nobody can take another's."""

from __future__ import annotations

from typing import Any

import pytest
from nginx_lb import routing
from nginx_lb.model import Instance, Instances, Record
from nginx_lb.routing import Site

from .builders import endpoint, followed, instances, record, settings

DISCOVER: dict[str, Any] = {"discover": {"tag": "lb"}}


def tagged(*tags: str, number: int = 1) -> Instances:
    """One instance with the marker and these tags."""
    return (Instance(endpoint(number), tags=tuple(sorted(("lb", *tags)))),)


def plan(said: dict[str, Instances], owners: Any = None, **options: Any) -> Site:
    """The site of what Consul reports."""
    made = settings(**options)
    return routing.plan(made, followed(made, said), owners or {})


def routes(found: Site) -> dict[str, str]:
    """Where each route leads."""
    return {f"{each.host}{each.path}": each.upstream.service for each in found.routes}


def test_services_are_told_apart_by_host_and_path() -> None:
    """One upstream a service, one route for each host."""
    services = [
        {"name": "web"},
        {"name": "shop", "hosts": ["shop.example", "www.shop.example"]},
        {"name": "api", "hosts": ["shop.example"], "path": "/api"},
    ]
    found = plan({"shop": instances(1)}, services=services)
    assert routes(found) == {
        "/": "web",
        "shop.example/": "shop",
        "shop.example/api": "api",
        "www.shop.example/": "shop",
    }
    assert [each.key for each in found.upstreams] == ["api", "shop", "web"]


def test_a_tag_chooses_instances() -> None:
    """Blue and green of one service are two sets."""
    blue = Instance(endpoint(1), tags=("blue",))
    green = Instance(endpoint(2), tags=("green",))
    services = [{"name": "web", "tag": "blue"}, {"name": "web", "tag": "green", "path": "/next"}]
    found = plan({"web": (blue, green)}, services=services)
    assert [(each.path, each.upstream.instance_set) for each in found.routes] == [
        ("/", "blue.web"),
        ("/next", "green.web"),
    ]
    assert found.instance_sets == {"blue.web": (blue,), "green.web": (green,)}
    assert [each.key for each in found.upstreams] == ["web", "web.2"]


def test_weights_count_where_they_are_asked_for() -> None:
    """Two routes to the same instances may differ in that: they are two sets."""
    heavy = (Instance(endpoint(1), 3),)
    services = [{"name": "web"}, {"name": "web", "path": "/even", "weights": False}]
    sets = plan({"web": heavy}, services=services).instance_sets
    assert sets == {"web": heavy, "web+even": (Instance(endpoint(1), 1),)}


def test_a_service_presents_itself() -> None:
    """Host, path and balance from its tags; one without the marker is not served."""
    services = {
        "shop": tagged("lb.host=Shop.Example", "lb.path=/buy/", "lb.balance=least_conn"),
        "other": (Instance(endpoint(2), tags=("lb.host=other.example",)),),
    }
    found = plan(services, **DISCOVER)
    assert routes(found) == {"shop.example/buy": "shop"}
    assert found.upstreams[0].tuning.balance == "least_conn"


def test_the_inventorys_route_cannot_be_taken() -> None:
    """A tag that claims it is skipped and told."""
    services = {"bank": instances(1), "evil": tagged("lb.host=bank.example")}
    declared = [{"name": "bank", "hosts": ["bank.example"]}]
    found = plan(services, services=declared, **DISCOVER)
    assert routes(found) == {"bank.example/": "bank"}
    [skip] = found.skipped
    assert (skip.service, skip.reason) == ("evil", "bank.example / is already owned by bank")


def test_who_has_a_route_keeps_it() -> None:
    """Not the name's place in the alphabet decides but who was there first."""
    services = {name: tagged("lb.host=a.example") for name in ("aaa", "shop")}
    assert routes(plan(services, **DISCOVER)) == {"a.example/": "aaa"}
    owners = {("a.example", "/"): "shop"}
    assert routes(plan(services, owners, **DISCOVER)) == {"a.example/": "shop"}


@pytest.mark.parametrize(
    "tags",
    [
        (),
        ("lb.host=a b",),
        ("lb.host=~.*",),
        ("lb.host=_",),
        ("lb.host=",),
        ("lb.host=a.example;",),
        ("lb.host=a.example", "lb.path=/a/../b"),
        ("lb.host=a.example", "lb.path=/a", "lb.path=/b"),
        ("lb.host=a.example", "lb.balance=random"),
        ("lb.host=a.example", "lb.strip_path=yes"),
        ("lb.host=a.example", "lb.snippet=return 200"),
    ],
)
def test_an_instance_that_claims_nonsense_is_left_out(tags: tuple[str, ...]) -> None:
    """And told; its neighbour of the same service is served."""
    good = Instance(endpoint(9), tags=("lb", "lb.host=good.example"))
    found = plan({"shop": (*tagged(*tags), good)}, **DISCOVER)
    assert routes(found) == {"good.example/": "shop"}
    assert found.services == {"shop": (good,)}
    assert len(found.skipped) == 1


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("a.apps.example.org", True),
        ("own.example", True),
        ("apps.example.org", False),
        ("evilapps.example.org", False),
        ("a.apps.example.org.evil.example", False),
    ],
)
def test_discovery_stays_within_the_operators_domains(host: str, served: bool) -> None:
    """A wildcard covers what is below it and nothing else."""
    allowed = {"discover": {"hosts": ["*.apps.example.org", "own.example"]}}
    found = plan({"shop": tagged(f"lb.host={host}")}, **allowed)
    assert bool(found.routes) is served


def test_names_that_differ_in_case_only_do_not_share_an_upstream() -> None:
    """nginx would take them for one."""
    services = {
        name: tagged(f"lb.host={name.lower()}{number}.example")
        for number, name in enumerate(("Shop", "shop"))
    }
    found = plan(services, **DISCOVER)
    assert len(found.upstreams) == 1
    assert "only in upper and lower case" in found.skipped[0].reason


def test_what_the_operator_took_out_is_no_loss() -> None:
    """A removed service, a network that is no longer allowed, a marker that is gone."""
    records = {"web": record(1), "old": record(2)}
    assert list(routing.still_served(settings(services=[{"name": "web"}]), records)) == ["web"]
    assert routing.still_served(settings(services=[{"name": "new"}]), records) == {"new": Record()}
    narrow = settings(services=[{"name": "web"}], networks=["192.0.2.0/24"])
    assert routing.still_served(narrow, records)["web"].instances == ()
