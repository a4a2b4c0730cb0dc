"""A dry run reads everything and writes nothing."""

from __future__ import annotations

import json

from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    agent,
    ours,
    service,
)
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import FakeRegistry
from registrator.consul.dry_run import DryRun
from registrator.domain.plan import registration


def test_what_would_change_is_told_and_not_done() -> None:
    """One line for each change; the agent is only read."""
    entries = agent(ours(service("host-1:ghost:80")))
    registry = FakeRegistry(dict(entries))
    told: list[str] = []
    dry = DryRun(registry, told.append)
    body = registration(service("host-1:web:80"), HOST).body
    assert dry.services() == entries
    dry.register(body)
    dry.deregister("host-1:ghost:80")
    dry.update_check("service:host-1:web:80", "passing", "healthy")
    assert registry.asked == []
    assert registry.entries == entries
    assert dry.changes == 2
    assert told[0].startswith("register host-1:web:80 ")
    assert json.loads(told[0].split(" ", 2)[2]) == body
    assert told[1] == "deregister host-1:ghost:80"
