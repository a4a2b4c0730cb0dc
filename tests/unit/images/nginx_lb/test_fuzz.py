"""Hostile registrations by the thousand, and a real parser that looks for anything of theirs."""

from __future__ import annotations

import os
import pathlib
import random
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.hostile.parsed import (
    strange_lines,
    strangers,
)
from ansible_collections.rollcall.discovery.tests.support.hostile.registrations import Hostile
from nginx_lb import routing
from nginx_lb.discovery.snapshot import collect
from nginx_lb.nginx import configuration, instance_file
from nginx_lb.nginx.configuration import Paths
from nginx_lb.routing import Site

from .builders import followed, settings

ROUND = 1_000
SERVICES = [{"name": "web"}, {"name": "shop", "path": "/shop"}]


OPTIONS = settings(services=SERVICES, discover={})


def planned(registrations: list[dict[str, Any]]) -> Site:
    """What we make of them."""
    served = followed(OPTIONS, collect(registrations, OPTIONS.networks).services)
    return routing.plan(OPTIONS, served, {})


def rendered(registrations: list[dict[str, Any]]) -> str:
    """Our configuration."""
    return configuration.render(OPTIONS, planned(registrations), Paths())


def naive(registrations: list[dict[str, Any]]) -> str:
    """What a template makes of them that writes values as they are, as most templates do."""
    services: dict[str, list[dict[str, Any]]] = {}
    for each in registrations:
        services.setdefault(str(each["service"]), []).append(each)
    upstreams = "\n".join(
        f"upstream {name} {{\n"
        + "\n".join(f"server {each['address']}:{each['port']};" for each in found)
        + "\n}"
        for name, found in services.items()
    )
    return rendered([])[:-2] + upstreams + "\n}\n"


@pytest.fixture(scope="module")
def seed() -> int:
    """The seed, printed where a test fails; BALANCER_FUZZ_SEED names it to see a failure again."""
    found = int(os.environ.get("BALANCER_FUZZ_SEED") or random.randrange(2**32))
    print(f"BALANCER_FUZZ_SEED={found}")
    return found


def test_nothing_of_a_strangers_reaches_nginx(seed: int, tmp_path: pathlib.Path) -> None:
    """Each registration is an instance of the grammar or a skip; a naive template fails."""
    assert_nothing_passes(seed, tmp_path, rounds=5)


@pytest.mark.full
def test_nothing_of_fifty_thousand_strangers_reaches_nginx(
    seed: int, tmp_path: pathlib.Path
) -> None:
    """The same in ten times as many rounds."""
    assert_nothing_passes(seed, tmp_path, rounds=50)


def assert_nothing_passes(seed: int, folder: pathlib.Path, rounds: int) -> None:
    """A thousand registrations a round: nothing of theirs is in what we write for nginx."""
    source = Hostile(seed)
    plain = rendered([])
    broken = servers = 0
    for _ in range(rounds):
        registrations = [source.registration() for _ in range(ROUND)]
        site = planned(registrations)
        assert strangers(configuration.render(OPTIONS, site, Paths()), plain, folder) == []
        assert strange_lines(instance_file.render(site.instance_sets, 1)) == []
        servers += sum(map(len, site.instance_sets.values()))
        broken += bool(strangers(naive(registrations[:50]), plain, folder))
    print(f"{servers} instances, {broken} naive configurations with strangers in them")
    assert servers > 10 * rounds
    assert broken == rounds


def test_the_parser_finds_what_it_is_to_find(tmp_path: pathlib.Path) -> None:
    """Each of these, put into a good configuration, is a stranger."""
    registration = {"service": "web", "address": "10.0.0.1", "port": 80, "id": "a"}
    good, plain = rendered([registration]), rendered([])
    assert strangers(good, plain, tmp_path) == []
    for old, new in (
        ("server 0.0.0.1", "server 0.0.0.1 backup"),
        ("server 0.0.0.1", "server evil.example:80"),
        ("server 0.0.0.1", "server unix:/tmp/s"),
        ('balance("web"', 'balance("web" .. os.getenv("A")'),
        ('balance("web"', 'balance("web"); os.execute("a"'),
        ("location / {", "location / {\n error_page 502 = @evil;"),
        ("upstream web {", "upstream web {\n include /etc/passwd;"),
        ("http {", "http {\n lua_package_path x;"),
        ("events {", "load_module x.so;\nevents {"),
        ("location / {", "location / {\n return 200 pwned;"),
        ("http://web$nginx_lb_no_keepalive", "http://6.6.6.6"),
        ("location / {", "location / {\n set_by_lua_block $nginx_lb_uri { return 1 }"),
        ("location / {", "location ~ .* {"),
    ):
        assert old in good
        assert strangers(good.replace(old, new), plain, tmp_path), new


@pytest.mark.parametrize(
    "line",
    ["10.0.0.1:80", "10.0.0.1:80 1 2", "unix:/a 1", "a.example:80 1", "service a b", "end 1"],
)
def test_the_grammar_of_instances_finds_what_it_is_to_find(line: str) -> None:
    """Each of these, put into a good file, is a stranger."""
    good = "service web\n10.0.0.1:80 1\nend 1\n"
    assert strange_lines(good) == []
    assert strange_lines(good.replace("end 1\n", f"{line}\nend 1\n")) == [line]
