"""Each story has a balancer, ports and services of its own: any two may run at once."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import (
    agent,
    agent_of_the_session,
    place,
    stages,
)

__all__ = ["agent", "agent_of_the_session", "place", "stages"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each story goes to whichever worker is free, unless it says with which others it belongs."""
    here = pathlib.Path(__file__).parent
    for number, item in enumerate(item for item in items if here in item.path.parents):
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(f"story-{number}"))
