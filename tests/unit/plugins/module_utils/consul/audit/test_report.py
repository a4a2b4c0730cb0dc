"""Findings as a table, as counts and as a phrase."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import (
    KINDS,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.report import (
    counts,
    table,
    verdict,
)
from audit_data import IP, finding


def test_the_table_is_aligned_and_clean_without_findings() -> None:
    """Every column begins at the same place in each line."""
    lines = table([finding(), finding(kind="wrong_port", service_id="longer", address=IP, port=80)])
    assert table([]) == ["clean"]
    assert lines[0].split() == ["KIND", "SERVICE_ID", "CONTAINER", "ADDRESS", "NODE", "DETAIL"]
    assert {line.index("node-1") for line in lines[1:]} == {lines[0].index("NODE")}
    assert "?:0" in lines[1]


def test_counts_name_every_kind_and_the_verdict_only_those_found() -> None:
    """A gate can rely on each key, a person reads what is there."""
    assert counts([finding(), finding()]) == {**dict.fromkeys(KINDS, 0), "ghost": 2}
    assert verdict([finding(), finding(kind="missing")]) == "1 ghost, 1 missing"
    assert verdict([]) == "clean"
