"""A Consul agent, the balancer's image, and a stage for each story.

Elsewhere than on this machine: `BALANCER_DOCKER` are arguments for the docker program, separated by
blanks, `BALANCER_ADDRESS` is where a balancer is reached that runs there on the host's network, and
`BALANCER_BACKENDS` is this machine's address as the balancer sees it. `BALANCER_IMAGE` names an
image that is there already.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
from collections.abc import Callable, Iterator

import pytest
from rollcall_agents.agent import Agent
from rollcall_agents.clusters import server

from .stage import Place, Stage

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Another checkout on this machine has another name.
_IMAGE = f"balancer/nginx-lb:test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"


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


@pytest.fixture(scope="session")
def image(place: Place) -> str:
    """The balancer's image, made of what lies here unless one is named."""
    named = os.environ.get("BALANCER_IMAGE")
    if named:
        return named
    words = ["docker", *place.engine, "build", "-q", "-t", _IMAGE, str(ROOT / "images/nginx-lb")]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}\nlab/up makes the images it starts from"
    )
    return _IMAGE


@pytest.fixture(scope="session", name="_agent")
def _agent_fixture(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A Consul of one server."""
    folder = tmp_path_factory.mktemp("consul")
    agent = server("balancer", folder, "-bootstrap-expect=1", address=place.backends)
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


@pytest.fixture
def agent(_agent: Agent) -> Agent:
    """The agent, with no service but its own."""
    if _agent.process is None:
        _agent.start()
    _agent.forget()
    return _agent


@pytest.fixture
def plane() -> str:
    """The data plane; a story of both names it as its parameter."""
    return "reload"


@pytest.fixture
def stages(
    place: Place, image: str, agent: Agent, tmp_path: pathlib.Path, plane: str
) -> Iterator[Callable[[], Stage]]:
    """As many stages as a story needs."""
    made: list[Stage] = []

    def make() -> Stage:
        made.append(Stage(place, image, agent, tmp_path / str(len(made)), plane))
        return made[-1]

    yield make
    for stage in made:
        stage.end()


@pytest.fixture
def stage(stages: Callable[[], Stage]) -> Stage:
    """One stage."""
    return stages()
