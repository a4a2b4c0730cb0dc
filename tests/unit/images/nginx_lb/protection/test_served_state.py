"""What is served, updated with what Consul reports."""

from __future__ import annotations

from collections.abc import Collection
from unittest import mock

import pytest
from nginx_lb.protection.guard import Evidence
from nginx_lb.protection.served_state import ServedState
from nginx_lb.protection.withdrawal import Finding, Target
from nginx_lb.settings.model import Verification

from ..builders import CLUSTER, endpoint, entry, leader, record, settings, snapshot

OPTIONS = settings(services=[{"name": "web"}])


def updated(state: ServedState, evidence: Evidence, *numbers: int) -> list[int]:
    """Whose instances of web are served after a report with these, and a leader that says so."""
    entries = [entry(address=f"10.0.0.{number}", id=f"web-{number}") for number in numbers]
    discovery = mock.Mock(declared=snapshot({"service": "web"}, *entries), discovered=None)
    leader_check = mock.Mock(**{"confirm.return_value": evidence})
    state.update(OPTIONS, discovery, leader_check, None, heard=True)
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


# Instances for which Consul does not vouch

VERIFIED = settings(services=[{"name": "web", "verify_path": "/whoami", "verify_text": "web"}])


def places(targets: Collection[Target]) -> set[int]:
    """The numbers of the instances to ask."""
    return {int(each.endpoint.address.rpartition(".")[2]) for each in targets}


def in_rotation(state: ServedState) -> set[int]:
    """The numbers of the instances of web that get requests."""
    served = state.records["web"].in_rotation
    return {int(each.endpoint.address.rpartition(".")[2]) for each in served}


def test_all_are_asked_while_consul_is_not_heard() -> None:
    """And else those that are held."""
    state = ServedState({"web": record(1, 2)})
    assert places(state.unconfirmed(OPTIONS, heard=False)) == {1, 2}
    assert places(state.unconfirmed(OPTIONS, heard=True)) == set()
    state.cluster_id = CLUSTER
    updated(state, leader({"web": ()}, cluster_id="another"), 2)
    assert places(state.unconfirmed(OPTIONS, heard=True)) == {1}


def test_what_consul_reports_is_not_withdrawn() -> None:
    """However it answers a connection of ours: its check decides."""
    state = ServedState({"web": record(1, 2)})
    found = {Target("web", endpoint(1), Verification()): Finding.REFUSED}
    state.withdraw(OPTIONS, found, heard=True)
    assert in_rotation(state) == {1, 2}


def test_what_refuses_is_out_until_consul_reports_it(caplog: pytest.LogCaptureFixture) -> None:
    """Which it does when it is heard again."""
    state = ServedState({"web": record(1, 2)})
    for _ in range(2):
        state.withdraw(
            OPTIONS, {Target("web", endpoint(1), Verification()): Finding.REFUSED}, heard=False
        )
    assert in_rotation(state) == {2}
    assert state.withdrawn == {"web": {endpoint(1)}}
    assert caplog.messages == ["web: 10.0.0.1:80 refuses connections: no requests"]
    updated(state, leader({"web": (1, 2)}), 1, 2)
    assert (in_rotation(state), state.withdrawn) == ({1, 2}, {})


def test_a_verification_is_tried_while_consul_is_heard() -> None:
    """Until an instance has answered its text: then another answer means another service."""
    state = ServedState({"web": record(1, 2)})
    assert places(state.unverified(OPTIONS)) == set()
    targets = sorted(state.unverified(VERIFIED), key=str)
    assert places(targets) == {1, 2}
    state.withdraw(VERIFIED, dict.fromkeys(targets, Finding.OTHER), heard=False)
    assert in_rotation(state) == {1, 2}
    state.withdraw(VERIFIED, {targets[0]: Finding.VERIFIED}, heard=True)
    assert state.unverified(VERIFIED) == set()
    state.withdraw(VERIFIED, dict.fromkeys(targets, Finding.OTHER), heard=False)
    assert in_rotation(state) == set()
