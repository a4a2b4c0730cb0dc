"""Hostile registrations by the thousand, and a real parser that looks for anything of theirs."""

from __future__ import annotations

import os
import pathlib
import random
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.hostile.parsed import strangers
from ansible_collections.rollcall.discovery.tests.support.hostile.registrations import Hostile
from nginx_lb import routing
from nginx_lb.discovery.snapshot import collect
from nginx_lb.nginx import configuration
from nginx_lb.nginx.configuration import Paths

from .builders import followed, settings

ROUND = 1_000
SERVICES = [{"name": "web"}, {"name": "shop", "path": "/shop"}]


def rendered(registrations: list[dict[str, Any]]) -> str:
    """Our configuration."""
    options = settings(services=SERVICES, discover={})
    served = followed(options, collect(registrations, options.networks).services)
    return configuration.render(options, routing.plan(options, served, {}), Paths())


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
    """Each registration is a server of the grammar or a skip; a naive template makes much else."""
    assert_nothing_passes(seed, tmp_path, rounds=5)


@pytest.mark.full
def test_nothing_of_fifty_thousand_strangers_reaches_nginx(
    seed: int, tmp_path: pathlib.Path
) -> None:
    """The same in ten times as many rounds."""
    assert_nothing_passes(seed, tmp_path, rounds=50)


def assert_nothing_passes(seed: int, folder: pathlib.Path, rounds: int) -> None:
    """A thousand registrations a round: nothing of theirs is in our configuration."""
    source = Hostile(seed)
    plain = rendered([])
    broken = servers = 0
    for _ in range(rounds):
        registrations = [source.registration() for _ in range(ROUND)]
        text = rendered(registrations)
        assert strangers(text, plain, folder) == []
        servers += text.count("    server ")
        broken += bool(strangers(naive(registrations[:50]), plain, folder))
    print(f"{servers} servers, {broken} naive configurations with strangers in them")
    assert servers > 10 * rounds
    assert broken == rounds


def test_the_parser_finds_what_it_is_to_find(tmp_path: pathlib.Path) -> None:
    """Each of these, put into a good configuration, is a stranger."""
    registration = {"service": "web", "address": "10.0.0.1", "port": 80, "id": "a"}
    good, plain = rendered([registration]), rendered([])
    assert strangers(good, plain, tmp_path) == []
    for old, new in (
        ("server 10.0.0.1:80", "server 10.0.0.1:80 backup"),
        ("server 10.0.0.1:80", "server evil.example:80"),
        ("server 10.0.0.1:80", "server unix:/tmp/s"),
        ("server 10.0.0.1:80", "server web.example service=lb resolve"),
        ("location / {", "location / {\n error_page 502 = @evil;"),
        ("upstream web {", "upstream web {\n include /etc/passwd;"),
        ("http {", "http {\n lua_package_path x;"),
        ("events {", "load_module x.so;\nevents {"),
        ("location / {", "location / {\n return 200 pwned;"),
        ("http://web$nginx_lb_no_keepalive", "http://6.6.6.6"),
        ("location / {", "location ~ .* {"),
    ):
        assert old in good
        assert strangers(good.replace(old, new), plain, tmp_path), new
