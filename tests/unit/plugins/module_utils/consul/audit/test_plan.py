"""What a repair changes."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.findings import (
    audit,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.plan import (
    plan_repair,
)
from audit_data import entry, seen, service


def test_a_plan_without_removals_is_no_change() -> None:
    """What is left to others changes nothing."""
    assert not plan_repair(audit(seen(service()))).diff.changed


def test_only_what_was_there_to_remove_is_a_change() -> None:
    """Registrator may have been faster than the repair."""
    plan = plan_repair(audit(seen(agent=[entry("a"), entry("b")])))
    assert set(plan.diff.before["services"]) == {
        "reg-1:a:80 at node-1",
        "reg-1:b:80 at node-1",
    }
    assert list(plan.only([entry("a")]).diff.before["services"]) == ["reg-1:a:80 at node-1"]
    assert not plan.only([]).diff.changed
