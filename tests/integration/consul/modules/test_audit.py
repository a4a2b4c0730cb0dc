"""The module registrator_audit before real agents, on a host whose engine runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from rollcall_agents.clusters import Agents
from rollcall_agents.polling import eventually

MODULE = "rollcall.discovery.registrator_audit"
GHOST = "host-1:gone:80"
Run = Callable[..., list[dict[str, Any]]]


def test_every_promise_is_kept(run: Run, agents: Agents, engine: str) -> None:
    """A service whose container is gone: told, foreseen, repaired, and not there any more."""
    marks = {"registrator-owner": "host-1", "registrator-container": "0123456789ab"}
    agents.own.register("web", GHOST, Address="192.0.2.1", Port=32768, Meta=marks)
    eventually("it in the catalog", lambda: agents.own.catalog("web"))
    audit = {"hostname": "host-1", "docker_host": engine, "wait_timeout": 0}
    gate, told = run([{MODULE: audit}, {MODULE: {**audit, "fail_on": []}}])
    (predicted,) = run([{MODULE: {**audit, "repair": True}}], check=True, diff=True)
    assert GHOST in agents.own.get("/v1/agent/services")
    repaired, again = run([{MODULE: {**audit, "repair": True}}] * 2, diff=True)
    assert (gate["failed"], gate["counts"]["ghost"], gate["clean"]) == (True, 1, False)
    assert [finding["service_id"] for finding in told["remaining"]] == [GHOST]
    assert predicted["repaired"] == repaired["repaired"] == [GHOST]
    assert predicted["diff"] == repaired["diff"]
    assert (again["changed"], again["findings"], again["clean"]) == (False, [], True)
    assert agents.own.get("/v1/agent/services") == {}
    assert_kept("registrator_audit", [gate, told, predicted, repaired, again])
