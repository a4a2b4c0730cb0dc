"""What every story about a balancer has: a Consul agent, the images, and stages.

Elsewhere than on this machine: `BALANCER_DOCKER` are arguments for the docker program, separated by
blanks, `BALANCER_ADDRESS` is where a balancer is reached that runs there on the host's network, and
`BALANCER_BACKENDS` is this machine's address as the balancer sees it. `BALANCER_IMAGE` names an
image of nginx's program that is there already.
"""

from __future__ import annotations

import os
import pathlib
import random
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from rollcall_agents.agent import Agent, free_ports
from rollcall_agents.clusters import server

from .haproxy import HaproxyStage
from .images import image
from .nginx import NginxStage
from .stage import Place, Stage

S = TypeVar("S", bound=Stage)
Stages = Callable[..., Any]


@pytest.fixture(scope="session")
def place() -> Place:
    """Where the balancers run."""
    usual = Place()
    backends = os.environ.get("BALANCER_BACKENDS", usual.backends)
    return Place(
        tuple(os.environ.get("BALANCER_DOCKER", "").split()),
        os.environ.get("BALANCER_ADDRESS", usual.address),
        backends,
        usual.network if backends == usual.backends else f"{backends}/32",
    )


@pytest.fixture(scope="session", name="_agent")
def agent_of_the_session(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A Consul of one server, with DNS."""
    [dns_port] = free_ports(1)
    folder = tmp_path_factory.mktemp("consul")
    arguments = ("-bootstrap-expect=1", f"-dns-port={dns_port}")
    agent = server("balancer", folder, *arguments, address=place.backends)
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


@pytest.fixture
def agent(_agent: Agent) -> Agent:
    """The agent, with no service but its own, and no key."""
    if _agent.process is None:
        _agent.start()
    _agent.forget()
    _agent.call("DELETE", "/v1/kv/rollcall/?recurse")
    return _agent


@pytest.fixture
def stages(place: Place, agent: Agent, tmp_path: pathlib.Path) -> Iterator[Stages]:
    """As many stages as a story needs, each of the kind that it names."""
    made: list[Stage] = []

    def make(kind: type[S], agent: Agent = agent, **more: Any) -> S:
        named = os.environ.get("BALANCER_IMAGE") if kind is NginxStage else None
        found = named or image(kind.role, place.engine)
        stage = kind(place, found, agent, tmp_path / str(len(made)), **more)
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.end()


@pytest.fixture
def seed() -> int:
    """The seed of what is left to chance, printed where a test fails."""
    found = random.randrange(2**32)
    print(f"seed {found}")
    return found


@pytest.fixture(name="stage")
def nginx_stage(stages: Stages) -> NginxStage:
    """One stage with nginx."""
    made: NginxStage = stages(NginxStage)
    return made


@pytest.fixture(name="stage")
def haproxy_stage(stages: Stages) -> HaproxyStage:
    """One stage with HAProxy."""
    made: HaproxyStage = stages(HaproxyStage)
    return made
