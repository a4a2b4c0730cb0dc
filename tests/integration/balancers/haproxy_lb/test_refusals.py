"""Settings that cannot come into use: what served serves on, and they are tried again."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.certificates import shown
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import (
    Load,
    ask,
    failures,
)
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage

WEB: list[dict[str, Any]] = [{"name": "web"}]
SHOP = [*WEB, {"name": "shop", "hosts": ["shop.example"]}]
FULL = "No space left on device"


def test_settings_that_came_while_the_volume_was_full_serve_when_there_is_room(
    stage: HaproxyStage,
) -> None:
    """Nobody has to offer them again."""
    options = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=1m")
    stage.docker("volume", "create", *options, stage.name)
    stage.backend("one")
    stage.backend("two", "shop")
    stage.settings(services=WEB)
    stage.run()
    stage.serving("one")
    stage.inside("sh", "-c", "dd if=/dev/zero of=/var/lib/haproxy-lb/filler bs=4k 2>&- || true")
    stage.settings(services=SHOP)
    stage.sees("the reason", lambda: FULL in stage.refusal())
    assert stage.names(host="shop.example") == {"one"}
    stage.inside("rm", "/var/lib/haproxy-lb/filler")
    stage.serving("two", host="shop.example")
    assert stage.refusal() == ""


def test_a_port_that_is_occupied_is_taken_when_it_is_free(stage: HaproxyStage) -> None:
    """Until then nobody's request is refused; the check of a configuration does not see it."""
    if stage.place.address != "127.0.0.1":
        pytest.skip("the port is occupied on this machine")
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    with socket.create_server(("", 0)) as occupied:
        port = occupied.getsockname()[1]
        stage.settings(services=WEB, snippet=f"bind :{port}")
        load = Load.without_a_pause(stage.place.address, stage.port)
        stage.sees("the reason", lambda: str(port) in stage.refusal())
        load.reaches(len(load.samples) + 50)
    stage.sees("the other port", lambda: ask(stage.place.address, port, "/").name == "one")
    assert failures(load.end()) == []


def test_a_certificate_without_its_key_changes_nothing(stage: HaproxyStage) -> None:
    """The certificate before is shown on, by a container made anew too."""
    stage.backend("one")
    good, other = stage.tls(main="main.example"), stage.tls(main="other.example")
    stage.start(services=WEB, **good)
    stage.serving("one")
    [first], [second] = good["certificates"], other["certificates"]
    stage.settings(services=WEB, certificates=[{**first, "certificate": second["certificate"]}])
    stage.sees("the reason", lambda: "inconsistencies between" in stage.refusal())
    where = (stage.place.address, stage.tls_port, "main.example")
    assert shown(*where) == "main.example"
    stage.recreate()
    assert shown(*where) == "main.example"
    stage.settings(services=WEB, **other)
    stage.sees("the other one", lambda: shown(*where) == "other.example")
    assert "PRIVATE KEY" not in stage.log()
