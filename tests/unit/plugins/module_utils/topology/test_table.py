"""The table says in a line what is where, and what is wrong."""

from __future__ import annotations

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._topology.results import system_of
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.table import table
from stack_results import consul, container, host, instance, served, web, whole


def lines(results: dict[str, t.Any]) -> list[str]:
    """The table's lines, blanks folded."""
    return [" ".join(line.split()) for line in table(system_of(results, ()))]


def test_a_stack_that_is_well() -> None:
    """A line for the cluster, a heading, a line for each container."""
    assert lines(whole()) == [
        "leader n1; 1 server; 0 clients",
        "HOST CONTAINER STATUS PORTS IN CONSUL",
        "h1 lb running",
        "h1 web-1 running 32768->80 web passing",
        "h1 registrator running",
        "h1 consul-server running server, leader",
    ]


def test_a_balancer_and_a_registrator_that_are_services_have_their_status() -> None:
    """At the port that each serves."""
    parts = served("lb", "nginx_lb", 8080), served("registrator", "registrator", 8405)
    known = consul(
        instance("10.0.0.1", 8080, service="nginx-lb", status="critical"),
        instance("10.0.0.1", 8405, service="registrator"),
    )
    assert lines({"h1": host("10.0.0.1", *parts, consul=known)})[2:] == [
        "h1 lb running 8080->8080 nginx-lb critical",
        "h1 registrator running 8405->8405 registrator passing",
    ]


def test_columns_stand_below_each_other() -> None:
    """However long a name is."""
    told = host("10.0.0.1", web("a"), web("a-long-name", 32769))
    rows = table(system_of({"h1": told}, ()))[1:]
    assert len({row.index(word) for row, word in zip(rows[1:], ["running"] * 2, strict=True)}) == 1
    assert rows[1].index("running") == rows[0].index("STATUS")


def test_what_is_wrong_has_a_word() -> None:
    """Unhealthy, ended, not registered, gone, failed."""
    known = consul(instance("10.0.0.1", 5), n1="10.0.0.1", n2="10.0.0.2 failed")
    told = host("10.0.0.1", web(status="exited"), web("web-2", 7, health="unhealthy"), consul=known)
    agent = host("10.0.0.2", container("c", "consul_server", status="exited"))
    assert lines({"h1": told, "h2": agent}) == [
        "leader n1; 2 servers; 0 clients; n2 is failed",
        "HOST CONTAINER STATUS PORTS IN CONSUL",
        "h1 web-1 exited 32768->80 not registered",
        "h1 web-2 running (unhealthy) 7->80 not registered",
        "h1 - - 5 web passing, no container",
        "h2 c exited server, failed",
    ]


def test_a_host_without_an_answer_has_a_line() -> None:
    """What is registered there was not seen, which is not to say that it is gone."""
    known = consul(instance("10.0.0.2"), leader="", n1="10.0.0.1")
    told = {"h1": host("10.0.0.1", consul=known), "h2": {"address": "10.0.0.2", "failed": True}}
    assert lines(told) == [
        "no leader; 1 server; 0 clients",
        "HOST CONTAINER STATUS PORTS IN CONSUL",
        "h1 - - empty",
        "h2 - - 32768 web passing, not seen",
        "h2 - ? nothing is known",
    ]


def test_what_is_on_no_host_has_a_line() -> None:
    """With the address it is registered at."""
    known = consul(instance("10.9.9.9", 1, status="critical"))
    assert lines({"h1": host("10.0.0.1", consul=known)})[-1] == "? - - 1 web critical at 10.9.9.9"


def test_without_an_agent_it_says_so() -> None:
    """In the cluster's line."""
    assert lines({"h1": host("10.0.0.1", web())})[0] == "no Consul agent answered"
