"""A service as the catalog has it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.instance import (
    CatalogInstance,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer


def web(recording: str = "health-service", **service: Any) -> CatalogInstance:
    """The instance at node-2, which Consul tells of in a recording."""
    entry = answer(recording)[1]
    return CatalogInstance.from_api({**entry, "Service": {**entry["Service"], **service}})


def test_an_instance_is_read() -> None:
    """With the node that it is registered at."""
    assert web() == CatalogInstance(
        node="node-2",
        node_address="127.0.0.2",
        datacenter="dc1",
        id="web-2",
        name="web",
        address="192.0.2.8",
        port=8080,
        alive=True,
    )


def test_an_instance_without_an_address_is_at_its_node() -> None:
    """As one is that was registered by its name alone."""
    found = web(Address="", Port=0)
    assert (found.address, found.port) == ("127.0.0.2", 0)


def test_a_lost_nodes_agent_does_not_live() -> None:
    """The gossip says so."""
    assert not web("health-service-lost").alive


@pytest.mark.parametrize("kept", [[], ["service:web-1:answers"]])
def test_a_node_without_the_gossips_check_has_no_agent(kept: list[str]) -> None:
    """Somebody put it into the catalog by hand."""
    entry = answer("health-service")[0]
    checks = [check for check in entry["Checks"] if check["CheckID"] in kept]
    assert len(checks) == len(kept)
    assert not CatalogInstance.from_api({**entry, "Checks": checks}).alive
