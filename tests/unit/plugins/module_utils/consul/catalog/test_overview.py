"""What one agent knows of the whole."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.overview import (
    overview,
)


def entry(*statuses: str, tags: list[str] | None = None) -> dict[str, t.Any]:
    """An instance of a service with checks of these statuses."""
    checks = [{"CheckID": f"c{n}", "Status": status} for n, status in enumerate(statuses)]
    service = {"ID": "web-1", "Service": "web", "Address": "10.0.0.9", "Port": 80, "Tags": tags}
    return {"Node": {"Node": "n1", "Address": "10.0.0.1"}, "Service": service, "Checks": checks}


class FakeClient:
    """An agent with one service."""

    def __init__(self, *entries: dict[str, t.Any]) -> None:
        """A cluster of one server, and the instances of `web`."""
        server = {"ID": "1", "Node": "n1", "Address": "a", "Voter": True, "Leader": True}
        self._answers: dict[str, t.Any] = {
            "/v1/agent/self": {},
            "/v1/status/leader": "10.0.0.1:8300",
            "/v1/operator/raft/configuration": {"Servers": [server]},
            "/v1/catalog/services": {"web": []},
            "/v1/health/service/web": list(entries),
        }

    def get(self, path: str) -> t.Any:
        """The answer to a request, None where there is none."""
        return self._answers.get(path)

    def get_with_acl_filter(self, _path: str) -> tuple[t.Any, bool]:
        """The members, and that nothing is hidden."""
        return [{"Name": "n1", "Addr": "10.0.0.1", "Status": 1, "Tags": {"role": "consul"}}], False


def test_leader_members_and_registrations_are_told() -> None:
    """In plain values, that a module can return."""
    told = overview(FakeClient(entry("passing", tags=["blue"])))
    assert (told["leader"], told["leader_node"]) == ("10.0.0.1:8300", "n1")
    assert told["members"] == [
        {"name": "n1", "address": "10.0.0.1", "role": "server", "status": "alive"}
    ]
    assert told["instances"] == [
        {
            "service": "web",
            "id": "web-1",
            "node": "n1",
            "address": "10.0.0.9",
            "port": 80,
            "tags": ["blue"],
            "status": "passing",
        }
    ]


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ((), "passing"),
        (("passing", "passing"), "passing"),
        (("passing", "warning"), "warning"),
        (("critical", "warning", "passing"), "critical"),
    ],
)
def test_the_worst_check_counts(statuses: tuple[str, ...], worst: str) -> None:
    """Without a check it passes, as Consul has it."""
    (told,) = overview(FakeClient(entry(*statuses)))["instances"]
    assert told["status"] == worst
