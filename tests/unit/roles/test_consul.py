"""Consul gets numbers where it wants some, whichever ansible-core renders its roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.hcl import hcl
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.security import (
    agent_config,
)
from ansible_collections.rollcall.discovery.plugins.modules import consul_cluster_status
from ansible_collections.rollcall.discovery.tests.support.typed import AGENT, accepted, as_text
from rollcall_agents.roles import Role

SECRETS = {
    **dict.fromkeys(("ca", "certificate", "key", "gossip_key"), "text"),
    **dict.fromkeys(("agent_token", "dns_token", "management_token", "token"), "text"),
}


def commanded(kind: str, **inputs: Any) -> list[str]:
    """The command of a Consul agent."""
    name = f"__consul_{kind}_command"
    found: list[str] = Role(f"consul_{kind}", {**AGENT, **inputs}).variables(name)[name]
    return found


@pytest.mark.parametrize("kind", ["server", "client"])
def test_consul_gets_numbers_where_it_wants_some(kind: str) -> None:
    """It refuses a quoted one: in our own words, in those that close it, and in an operator's."""
    more = {"limits": {"http_max_conns_per_client": 500}, "telemetry": {"disable_hostname": True}}
    inputs = {"profile": "secure", "https_port": 9501, "suspicion_mult": 2, **SECRETS}
    command = commanded(kind, extra_config=more, **inputs)
    assert "-hcl=gossip_lan { suspicion_mult = 2 }" in command
    assert "-hcl=limits { http_max_conns_per_client = 1000 }" in command
    assert f"-hcl={hcl(agent_config(kind, '', '0.0.0.0', 9501))}" in command
    assert (
        "-hcl=limits { http_max_conns_per_client = 500 } telemetry { disable_hostname = true }"
        in command
    )
    assert commanded(kind, extra_config=more, **as_text(inputs)) == command


def test_a_server_waits_for_as_many_as_there_are_addresses() -> None:
    """Counted from a list, then passed on as text or as a number."""
    command = commanded("server")
    assert "-bootstrap-expect=3" in command
    assert "-hcl=autopilot { min_quorum = 3 }" in command
    options = Role("consul_server", AGENT).options("rollcall.discovery.consul_cluster_status")
    wanted = accepted(consul_cluster_status, options)["wait_for"]
    assert (wanted["servers"], wanted["voters"], wanted["failure_tolerance"]) == (3, 3, 1)


def test_an_agents_secrets_are_json() -> None:
    """With tokens and without, as Consul reads them from a file."""
    for tokens in ({}, {"agent": "one", "dns": "two"}):
        inputs = {"gossip_key": "key", "tokens": tokens, "ca": "", "certificate": "", "key": ""}
        name = "__consul_credentials_files"
        files = Role("consul_credentials", inputs).variables(name)[name]
        (content,) = (each["content"] for each in files if each["name"] == "secrets.json")
        told = content if isinstance(content, dict) else json.loads(content)
        assert told == {"encrypt": "key", **({"acl": {"tokens": tokens}} if tokens else {})}
