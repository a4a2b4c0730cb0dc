"""A role's containers are the same whatever types its inputs have, under every ansible-core.

Otherwise the first run under another core would replace them.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.rollcall.discovery.plugins.modules import (
    container_set,
    registrator_container,
)
from ansible_collections.rollcall.discovery.tests.support.typed import AGENT, accepted, as_text
from rollcall_agents.roles import Role

# Of each container that a role runs: the role, and the inputs that it needs or that are numbers.
CONTAINERS = {
    "nginx_lb": {"pids_limit": 100, "wait_timeout": 7, "port": 8080, "status_port": 8500},
    "haproxy_lb": {"pids_limit": 100, "wait_timeout": 7, "port": 8080, "status_port": 8500},
    "consul_server": {**AGENT, "pids_limit": 100, "http_port": 9500, "bootstrap_expect": 3},
    "consul_client": {**AGENT, "pids_limit": 100, "http_port": 9500},
}


@pytest.mark.parametrize("role", sorted(CONTAINERS))
def test_a_container_is_the_same_for_text(role: str) -> None:
    """Its module gives numbers their type: a role that runs under another core replaces nothing."""
    name = "rollcall.discovery.container_set"
    inputs = CONTAINERS[role]
    options = accepted(container_set, Role(role, inputs).options(name))
    assert accepted(container_set, Role(role, as_text(inputs)).options(name)) == options
    (container,) = options["containers"]
    kept = {key: container[key] for key in ("pids_limit", "memory", "read_only", "stop_timeout")}
    expected = {
        "pids_limit": 100,
        "memory": None,
        "read_only": True,
        "stop_timeout": 20 if role.startswith("consul") else 40,
    }
    assert json.dumps(kept) == json.dumps(expected)


def test_each_web_container_is_the_same_for_text() -> None:
    """As many as were said."""
    inputs = {"my_host": "host-1", "count": 2, "pids_limit": 100}
    name = "rollcall.discovery.container_set"
    options = accepted(container_set, Role("helloworld", inputs).options(name))
    assert accepted(container_set, Role("helloworld", as_text(inputs)).options(name)) == options
    assert [each["pids_limit"] for each in options["containers"]] == [100, 100]


def test_registrator_is_the_same_for_text() -> None:
    """Of its flags, numbers and truths."""
    inputs = {
        "hostname": "host-1",
        "ip": "192.0.2.1",
        "ttl": 30,
        "ttl_refresh": 10,
        "resync_seconds": 5,
        "retry_attempts": 3,
        "cleanup": False,
        "internal": True,
        "socket_proxy": False,
        "token": "",
        "ca": "",
    }
    name = "rollcall.discovery.registrator_container"
    options = accepted(registrator_container, Role("registrator", inputs).options(name))
    text = Role("registrator", as_text(inputs)).options(name)
    assert accepted(registrator_container, text) == options
    kept = [options[key] for key in ("ttl", "resync_seconds", "retry_attempts", "cleanup")]
    assert json.dumps(kept) == "[30, 5, 3, false]"
