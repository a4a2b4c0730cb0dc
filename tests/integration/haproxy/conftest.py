"""A Consul agent with DNS, the image, and a stage for each story."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import subprocess
from collections.abc import Iterator

import pytest
from rollcall_agents.agent import Agent, free_ports
from rollcall_agents.clusters import server

from ..balancer.stage import Place
from .stage import HaproxyStage

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Another checkout on this machine has another name.
_IMAGE = f"haproxy-lb-test:{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"


@dataclasses.dataclass(frozen=True)
class Consul:
    """An agent, and the port of its DNS."""

    agent: Agent
    dns_port: int


@pytest.fixture(scope="session")
def image() -> str:
    """The balancer's image, made of what lies here."""
    words = ["docker", "build", "-q", "-t", _IMAGE, str(ROOT / "images/haproxy-lb")]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}\nlab/up makes the images it starts from"
    )
    return _IMAGE


@pytest.fixture(scope="session", name="_consul")
def _consul_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    """A Consul of one server."""
    [dns_port] = free_ports(1)
    folder = tmp_path_factory.mktemp("consul")
    agent = server("haproxy", folder, "-bootstrap-expect=1", f"-dns-port={dns_port}")
    try:
        agent.start()
        yield Consul(agent, dns_port)
    finally:
        agent.kill()


@pytest.fixture
def consul(_consul: Consul) -> Consul:
    """The agent, with no service but its own, and no key."""
    if _consul.agent.process is None:
        _consul.agent.start()
    _consul.agent.forget()
    _consul.agent.call("DELETE", "/v1/kv/rollcall/?recurse")
    return _consul


@pytest.fixture
def stage(image: str, consul: Consul, tmp_path: pathlib.Path) -> Iterator[HaproxyStage]:
    """One stage."""
    made = HaproxyStage(Place(), image, consul.agent, consul.dns_port, tmp_path)
    yield made
    made.end()
