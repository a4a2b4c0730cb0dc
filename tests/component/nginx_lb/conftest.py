"""Agents, real ones and fakes, and a discovery that follows them."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

import pytest
from rollcall_agents.agent import OTHER
from rollcall_agents.clusters import Agents, client, joining, running, server
from rollcall_agents.polling import eventually

from .fake_agent import FakeAgent
from .stage import Stage


@pytest.fixture
def fake() -> Iterator[FakeAgent]:
    """A fake agent with two instances of web and one of api on n1."""
    agent = FakeAgent(n1={"web": [1, 2], "api": [3]})
    yield agent
    agent.close()


@pytest.fixture
def stage(tmp_path: pathlib.Path, fake: FakeAgent) -> Iterator[Stage]:
    """A discovery that follows the fake agent."""
    made = Stage(tmp_path, "127.0.0.1", fake.port)
    yield made
    made.discovery.stop()


@pytest.fixture(scope="module", name="_agents")
def _agents_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    """Two agents, joined; ended by their own processes."""
    folder = tmp_path_factory.mktemp("consul")
    own = server("own", folder, "-bootstrap-expect=1")
    other = client("other", folder, *joining(own.gossip), address=OTHER)
    agents = Agents(own, dataclasses.replace(other, port=own.port))
    with running(own, agents.other):
        eventually("the second agent in the catalog", lambda: agents.node_is("passing"))
        yield agents


@pytest.fixture
def agents(_agents: Agents) -> Agents:
    """The two agents, alive and without services; no node but theirs is in the catalog."""
    if _agents.other.process is None:
        _agents.other.start()
    for agent in (_agents.own, _agents.other):
        agent.call("PUT", "/v1/agent/maintenance?enable=false")
        agent.forget()
    for node in _agents.own.get("/v1/catalog/nodes"):
        if node["Node"] not in ("own", "other"):
            _agents.own.call("PUT", "/v1/catalog/deregister", {"Node": node["Node"]})
    eventually(
        "an empty catalog", lambda: set(_agents.own.get("/v1/catalog/services")) == {"consul"}
    )
    eventually("the second agent", lambda: _agents.node_is("passing"))
    return _agents


@pytest.fixture
def follows(tmp_path: pathlib.Path, agents: Agents) -> Iterator[Stage]:
    """A discovery that follows the first of the real agents."""
    made = Stage(tmp_path, agents.own.address, agents.own.port)
    yield made
    made.discovery.stop()
