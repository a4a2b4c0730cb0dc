"""What is served, updated with what Consul reports."""

from __future__ import annotations

from unittest import mock

from nginx_lb.protection.guard import Evidence
from nginx_lb.protection.served_state import ServedState

from ..builders import CLUSTER, entry, leader, record, settings, snapshot

OPTIONS = settings(services=[{"name": "web"}])


def updated(state: ServedState, evidence: Evidence, *numbers: int) -> list[int]:
    """Whose instances of web are served after a report with these, and a leader that says so."""
    entries = [entry(address=f"10.0.0.{number}", id=f"web-{number}") for number in numbers]
    discovery = mock.Mock(declared=snapshot({"service": "web"}, *entries), discovered=None)
    state.update(OPTIONS, discovery, mock.Mock(**{"confirm.return_value": evidence}), None)
    served = state.records["web"].instances
    return [int(each.endpoint.address.rpartition(".")[2]) for each in served]


def test_a_new_cluster_is_known_before_the_monitor_sees_it() -> None:
    """Services that are registered there again may be removed again, without a hold."""
    state = ServedState({"web": record(1, 2)})
    state.cluster_id = CLUSTER

    def says(*numbers: int) -> Evidence:
        return leader({"web": numbers}, cluster_id="another")

    assert updated(state, says(), 2) == [1, 2]
    assert "re-created" in state.holds["web"].reason
    assert updated(state, says(1, 2), 1, 2) == [1, 2]
    assert updated(state, says(1), 1) == [1]
    assert state.holds == {}


def test_what_the_monitor_sees_later_counts() -> None:
    """A third cluster knows nothing of the second one's instances."""
    state = ServedState({"web": record(1, 2)})
    state.cluster_id = CLUSTER
    assert updated(state, leader({"web": (1,)}, cluster_id=CLUSTER), 1) == [1]
    state.cluster_id = "third"
    assert updated(state, leader({}), 1) == [1]
    assert state.records["web"].cluster_id == "third"
