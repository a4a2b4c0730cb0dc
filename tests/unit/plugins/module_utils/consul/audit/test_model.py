"""Registrations as they are read, findings as they are returned, and what is ignored."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.findings import (
    audit,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import (
    AuditData,
    Entry,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.instance import (
    AgentNode,
)
from audit_data import HERE, IP, OTHER, entry, finding, seen, service


def found(look: AuditData) -> list[tuple[str, str, str]]:
    """Kind, identifier and node of each finding."""
    return [(each.kind, each.service_id, each.node) for each in audit(look)]


def test_a_service_without_address_has_its_nodes() -> None:
    """Consul sends clients to the node then."""
    read = Entry.from_agent(
        {"ID": "a", "Service": "a", "Address": "", "Port": 0}, AgentNode(HERE, IP)
    )
    assert (read.address, read.port, read.node) == (IP, 0, HERE)


@pytest.mark.parametrize(
    ("own", "nodes", "passing"),
    [("passing", "critical", True), ("critical", "passing", False), ("warning", "passing", False)],
)
def test_only_a_services_own_checks_tell_whether_it_passes(
    own: str, nodes: str, passing: bool
) -> None:
    """The node's check fails with the node: the question is what the service's still say."""
    read = Entry.from_health(
        {
            "Node": {"Node": HERE, "Address": IP, "Datacenter": "dc1"},
            "Service": {"ID": "a", "Service": "a", "Meta": {"registrator-owner": "reg-1"}},
            "Checks": [
                {"ServiceID": "", "Status": nodes},
                {"ServiceID": "a", "Status": own},
            ],
        }
    )
    assert (read.passing, read.owner) == (passing, "reg-1")


def test_a_finding_is_returned_with_all_that_is_documented() -> None:
    """Whether repair would mend it is told, what it would remove is not repeated."""
    shown = finding(remove=entry()).shown()
    assert shown["repairable"] is True
    assert set(shown) == {
        *("kind", "service_id", "name", "container", "address", "port", "node", "detail"),
        "repairable",
    }


def test_a_service_that_is_ignored_is_in_no_finding() -> None:
    """By its name, wherever it is."""
    look = seen(
        service(),
        agent=[entry("gone", name="db")],
        elsewhere=[entry("far", name="db", node=OTHER)],
    )
    assert found(look.without(["db"])) == [("missing", "reg-1:web:80", HERE)]
    assert audit(look.without(["db", "web"])) == ()
