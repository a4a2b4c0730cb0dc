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


def _nginx(folder: pathlib.Path) -> Change:
    """A second service, tuning, TLS and a token."""
    certificate(folder, "main", "main.example")
    key, public = ((folder / f"main.{kind}").read_text() for kind in ("key", "pem"))
    shop = {"name": "shop", "hosts": ["Shop.example"], "tries": "2", "weights": "no"}
    inputs = {
        "services": [{"name": "web"}, shop],
        "certificates": [{"name": "main", "certificate": public, "key": key}],
        "consul_token": TOKEN,
        "balance": "least_conn",
        "gzip": True,
    }
    secrets = {"certificates/main.key": key, "consul.token": TOKEN}
    return Change(inputs, secrets, '"Shop.example"')


def _haproxy(_folder: pathlib.Path) -> Change:
    """A second service, tuning and a token."""
    shop = {"name": "shop", "hosts": ["Shop.example"], "retries": "2", "slots": "5"}
    inputs = {
        "services": [{"name": "web"}, shop],
        "consul_token": TOKEN,
        "wait_for_consul": False,
    }
    return Change(inputs, {"consul.token": TOKEN}, "_shop._tcp.service.consul")


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
