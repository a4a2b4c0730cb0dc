"""What differs between the roles of the two balancers, as far as their contract is concerned."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from ansible_collections.rollcall.discovery.tests.support.balancer.certificates import certificate
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

TOKEN = "anything-secret"


@dataclasses.dataclass(frozen=True)
class Change:
    """Other inputs of a role, and the secret files by name that it writes for them.

    A prediction with --diff shows `shown`.
    """

    inputs: dict[str, Any]
    secrets: dict[str, str]
    shown: str


@dataclasses.dataclass(frozen=True)
class Product:
    """A balancer's role; `snippet` is what its program refuses for `reason`."""

    stage: type[Stage]
    snippet: dict[str, str]
    reason: str
    refused: str
    deaf: str
    change: Callable[[pathlib.Path], Change]
    # Whether the instances are in use when the settings are acknowledged.
    knows_at_once: bool


def _change(folder: pathlib.Path, shop: dict[str, Any], shown: str, **more: Any) -> Change:
    """A second service, TLS, a token, and more."""
    certificate(folder, "main", "main.example")
    key, public = ((folder / f"main.{kind}").read_text() for kind in ("key", "pem"))
    inputs = {
        "services": [{"name": "web"}, {"name": "shop", "hosts": ["Shop.example"], **shop}],
        "certificates": [{"name": "main", "certificate": public, "key": key}],
        "consul_token": TOKEN,
        **more,
    }
    return Change(inputs, {"certificates/main.key": key, "consul.token": TOKEN}, shown)


def _nginx(folder: pathlib.Path) -> Change:
    shop = {"tries": "2", "weights": "no"}
    return _change(folder, shop, '"Shop.example"', balance="least_conn", gzip=True)


def _haproxy(folder: pathlib.Path) -> Change:
    shop = {"retries": "2", "slots": "5"}
    return _change(folder, shop, "_shop._tcp.service.consul", wait_for_consul=False)


PRODUCTS = {
    "nginx_lb": Product(
        NginxStage,
        {"server_snippet": "no such thing;"},
        "unknown directive",
        "the load balancer rejects its settings and keeps the last valid ones",
        "it is not synced with Consul",
        _nginx,
        knows_at_once=True,
    ),
    "haproxy_lb": Product(
        HaproxyStage,
        {"snippet": "nosuch thing"},
        "unknown keyword",
        "HAProxy refuses its settings, the last good ones serve on",
        "the balancer is not synced with Consul",
        _haproxy,
        # Consul's DNS is asked twice a second.
        knows_at_once=False,
    ),
}
