"""Two real Consul agents on loopback addresses, and the module that speaks to the first."""

from __future__ import annotations

import dataclasses
import http.server
import json
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.plays import played
from ansible_collections.rollcall.discovery.tests.support.promises import assert_promised
from rollcall_agents.agent import LOCAL, OTHER
from rollcall_agents.clusters import Agents, client, joining, running, server
from rollcall_agents.modules import run_module, surroundings
from rollcall_agents.polling import eventually

ROOT = pathlib.Path(__file__).resolve().parents[3]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the recordings be made anew."""
    parser.addoption("--record", action="store_true", help="write tests/fixtures/consul anew")


@pytest.fixture(scope="session", name="_agents")
def _agents_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    """Two agents, joined; ended by their own processes."""
    folder = tmp_path_factory.mktemp("consul")
    own = server("own", folder, "-bootstrap-expect=1")
    other = client("other", folder, *joining(own.gossip), address=OTHER)
    # Where the other agent listens is told by the first one's port.
    agents = Agents(own, dataclasses.replace(other, port=own.port))
    with running(own, agents.other):
        eventually("the second agent in the catalog", lambda: agents.node_is("passing"))
        yield agents


@pytest.fixture(name="agents")
def _clean_agents(_agents: Agents) -> Agents:
    """The two agents, both alive and without services at the start."""
    if _agents.other.process is None:
        _agents.other.start()
        eventually("the second agent back", lambda: _agents.node_is("passing"))
    for agent in (_agents.own, _agents.other):
        agent.forget()
    eventually(
        "an empty catalog", lambda: set(_agents.own.get("/v1/catalog/services")) == {"consul"}
    )
    return _agents


def ask(
    name: str, options: dict[str, Any], environment: dict[str, str] | None = None
) -> dict[str, Any]:
    """A module's result, whether it failed or not: it is what the module promises."""
    result = run_module(name, options, environment)
    assert_promised(name.rpartition(".")[2], result)
    return result


class Engine(http.server.BaseHTTPRequestHandler):
    """As much of a Docker Engine as an audit asks: one that runs nothing."""

    def do_GET(self) -> None:
        """Say the version, or list no container."""
        body = b'{"ApiVersion": "1.44"}' if self.path.endswith("/version") else b"[]"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="session", name="engine")
def _engine() -> Iterator[str]:
    """The address of an engine without containers."""
    with http.server.ThreadingHTTPServer((LOCAL, 0), Engine) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"tcp://{LOCAL}:{listening.server_port}"
        listening.shutdown()


@pytest.fixture(name="environment")
def _environment(agents: Agents) -> dict[str, str]:
    """Where the collection and the first agent are found."""
    return {**surroundings(), "CONSUL_HTTP_ADDR": agents.own.url}


@pytest.fixture(name="run")
def _run(environment: dict[str, str]) -> Callable[..., list[dict[str, Any]]]:
    """Run the module of each task against the first agent, whatever fails; a result each."""

    def run(
        tasks: list[dict[str, Any]], *, check: bool = False, diff: bool = False
    ) -> list[dict[str, Any]]:
        modes = {"_ansible_check_mode": check, "_ansible_diff": diff}
        return [
            ask(name, {**options, **modes}, environment)
            for task in tasks
            for name, options in task.items()
        ]

    return run


@pytest.fixture(name="play")
def _play(
    environment: dict[str, str], tmp_path: pathlib.Path
) -> Callable[..., list[dict[str, Any]]]:
    """Run tasks one after the other in a play, whatever fails; a result each."""

    def play(tasks: list[dict[str, Any]], *arguments: str) -> list[dict[str, Any]]:
        every = [
            {**task, "ignore_errors": True, "register": f"result_{number}"}
            for number, task in enumerate(tasks)
        ]
        # Every callback adds to the results or leaves out of them: this is what a play sees.
        answers = ", ".join(f"result_{number}" for number in range(len(tasks)))
        save = {
            "ansible.builtin.copy": {
                "content": f"{{{{ [{answers}] | to_json }}}}",
                "dest": str(tmp_path / "results.json"),
                "mode": "0600",
            },
            "check_mode": False,
            "diff": False,
        }
        whole = {"hosts": "localhost", "gather_facts": False, "tasks": [*every, save]}
        status, output = played([whole], tmp_path, *arguments, environment=environment)
        assert status == 0, output
        answered: list[dict[str, Any]] = json.loads((tmp_path / "results.json").read_text())
        for task, result in zip(tasks, answered, strict=True):
            for name in (key for key in task if key.startswith("rollcall.")):
                assert_promised(name.rpartition(".")[2], result)
        return answered

    return play
