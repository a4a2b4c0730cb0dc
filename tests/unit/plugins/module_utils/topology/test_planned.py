"""What an inventory asks for is drawn before it runs."""

from __future__ import annotations

import dataclasses

from ansible_collections.rollcall.discovery.plugins.module_utils._topology.planned import (
    FOLLOWED,
    StackPlan,
    planned,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.table import table

ALL = ("consul_servers", "registrator_hosts", "web_servers")
TWO = StackPlan(
    {"h1": "10.0.0.1", "h2": "10.0.0.2"},
    {**{group: ["h1", "h2"] for group in ALL}, "load_balancers": ["h1"]},
)


def test_all_that_is_planned_is_registered_and_passes() -> None:
    """On each host of the group."""
    lines = [" ".join(line.split()) for line in table(planned(TWO))]
    assert lines[0] == "leader h1; 2 servers; 0 clients"
    assert "h2 helloworld-1 running 32768->80 my-web-server passing" in lines
    assert "h1 nginx-lb running 80->80 nginx-lb passing" in lines
    assert sum("nginx-lb" in line for line in lines) == 1


def test_a_balancer_stands_at_the_port_that_it_serves() -> None:
    """And is registered there."""
    system = planned(dataclasses.replace(TWO, balancer_port=8080))
    (found,) = [each for each in system.instances if each.service == "nginx-lb"]
    assert (found.id, found.place) == ("registrator-h1:nginx-lb:8080", "10.0.0.1:8080")


def test_a_server_that_is_stopped_takes_its_node_along() -> None:
    """Another one leads, and what is registered at the node is critical."""
    system = planned(StackPlan(TWO.addresses, TWO.groups, stopped_servers=("h1",)))
    assert system.leader == "h2"
    web = [each for each in system.instances if each.service == FOLLOWED]
    assert [each.status for each in web] == ["critical", "passing"]


def test_a_host_without_an_agent_registers_with_the_first_server() -> None:
    """As in the articles' second step."""
    system = planned(StackPlan(TWO.addresses, {**TWO.groups, "consul_servers": ["h1"]}))
    assert {each.node for each in system.instances} == {"h1"}
