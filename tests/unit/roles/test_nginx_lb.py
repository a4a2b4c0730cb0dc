"""The balancer's image takes what the role nginx_lb writes, whichever ansible-core renders it.

Before ansible-core 2.19 a number that has a template of its own becomes text, and nothing an empty
text. An inventory's variable is such a template, and `-e port=80` says text under every core.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.rollcall.discovery.tests.support.typed import as_text
from nginx_lb.settings.model import Settings
from nginx_lb.settings.reader import from_text
from rollcall_agents.roles import Role

BALANCER = {
    "port": 8080,
    "tls_port": 8443,
    "tls_redirect": True,
    "status_port": 8500,
    "worker_connections": 1000,
    "gzip": True,
    "access_log": False,
    "weights": False,
    "buffering": True,
    "keepalive": 7,
    "tries": 3,
    "hsts": 60,
    "connections_per_client": 5,
    "backend_header": True,
    "max_body": 512,
    "guard_max_drop": 0.25,
    "guard_confirm_seconds": 1.5,
    "guard_max_hold_seconds": 90,
    "reload_min_interval": 0.5,
    "reload_burst_interval": 3,
    "certificates": [{"name": "main", "certificate": "a PEM", "key": "a key"}],
    "consul_token": "a token",
    "http_snippet": "map $a $b {\n  ~^\\d+$ 'ä';\n}",
    "services": [
        {"name": "web", "keepalive": 5, "tries": 2, "weights": True},
        {"name": "shop", "hosts": ["shop.example"], "strip_path": True, "buffering": False},
    ],
}


def balancer(inputs: Mapping[str, Any]) -> tuple[Any, str]:
    """The settings that the role nginx_lb writes, and their revision."""
    names = ("__nginx_lb_settings", "__nginx_lb_revision")
    settings, revision = Role("nginx_lb", inputs).variables(*names).values()
    return settings, revision


def test_the_balancer_takes_what_the_role_says_by_default() -> None:
    """Its image refuses a number that is text, and a null that is none."""
    settings, _revision = balancer({})
    assert from_text(json.dumps(settings), Settings()) == Settings()


def test_the_balancer_takes_text_for_what_it_says() -> None:
    """The file and its revision are the same to the letter."""
    written, revision = balancer(BALANCER)
    assert from_text(json.dumps(written), Settings()).guard.max_drop == 0.25
    text, same = balancer(as_text(BALANCER))
    assert json.dumps(text, sort_keys=True) == json.dumps(written, sort_keys=True)
    assert same == revision


def test_the_balancers_settings_have_json_types() -> None:
    """Every kind of input, in the very types that the file has."""
    written, revision = balancer(BALANCER)
    expected = {
        "port": 8080,
        "worker_connections": 1000,
        "discover": None,
        "gzip": True,
        "networks": [],
        "http_snippet": BALANCER["http_snippet"],
        "guard": {"max_drop": 0.25, "confirm_seconds": 1.5, "max_hold_seconds": 90.0},
        "tls": {
            "port": 8443,
            "redirect": True,
            "certificates": [{"name": "main", "hosts": []}],
        },
        "services": BALANCER["services"],
    }
    found = {key: written[key] for key in expected}
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)
    stands_for = [written, BALANCER["certificates"], "a token", ""]
    digest = hashlib.sha256(json.dumps(stands_for, sort_keys=True).encode()).hexdigest()
    assert revision == digest
