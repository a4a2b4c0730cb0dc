"""The role haproxy_lb writes the same files whatever types its inputs have, under every core."""

from __future__ import annotations

import json

from ansible_collections.rollcall.discovery.tests.support.typed import as_text
from rollcall_agents.roles import Role


def test_haproxys_files_are_the_same_for_text() -> None:
    """To the letter, and what consul-template reads has JSON's types."""
    inputs = {
        "port": 8080,
        "status_port": 8405,
        "connections": 100,
        "slots": 3,
        "maxconn": 9,
        "retries": 2,
        "access_log": False,
        "keepalive": True,
        "services": [{"name": "web", "slots": 4, "maxconn": 0, "retries": 1, "strip_path": True}],
        "consul_address": "https://c:8501",
        "certificates": [{"name": "main", "certificate": "c\n", "key": "k\n"}],
        "tls_port": 8443,
        "tls_redirect": True,
        "backend_header": False,
        "hsts": 60,
    }
    names = ("__haproxy_lb_files", "__haproxy_lb_revision", "__haproxy_lb_secrets")
    written = Role("haproxy_lb", inputs).variables(*names)
    assert Role("haproxy_lb", as_text(inputs)).variables(*names) == written
    files = {each["path"]: each["content"] for each in written["__haproxy_lb_files"]}
    assert "\n  maxconn 164\n" in files["balancer.cfg"]
    assert "https://%[var(txn.host)]:8443%[pathq]" in files["balancer.cfg"]
    assert "Strict-Transport-Security max-age=60 if" in files["balancer.cfg"]
    assert "X-Backend" not in files["balancer.cfg"]
    assert files["certificates/list"] == "certificates/main.crt !*\n"
    told = json.loads(files["follower.json"])["consul"]
    assert json.dumps([told["retry"]["attempts"], told["ssl"]["enabled"]]) == "[0, true]"
