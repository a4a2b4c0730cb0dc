"""Two real Consul agents on loopback addresses, and Ansible that speaks to the first."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
COLLECTIONS = ROOT / ".ansible" / "collections"
LOCAL, OTHER = "127.0.0.1", "127.0.0.2"


def consul_binary() -> str:
    """The newest Consul that was compiled here, else the one of the system."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    built = [
        path
        for path in (cache / "rollcall" / "bin").glob("consul-*")
        if not path.name.startswith("consul-template")
    ]
    if built:
        return str(max(built, key=lambda path: path.stat().st_mtime))
    found = shutil.which("consul")
    if not found:
        pytest.fail(f"no Consul in {cache}/rollcall/bin nor on the path: lab/up builds it")
    return found


def free_ports(count: int) -> list[int]:
    """Ports that nobody has on either address, for TCP and UDP."""
    found: list[int] = []
    while len(found) < count:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((LOCAL, 0))
            port = first.getsockname()[1]
            try:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    for host in (LOCAL, OTHER):
                        if (kind, host) != (socket.SOCK_STREAM, LOCAL):
                            each = stack.enter_context(socket.socket(type=kind))
                            each.bind((host, port))
            except OSError:
                continue
            if port not in found:
                found.append(port)
    return found


def eventually(what: str, look: Callable[[], Any], seconds: float = 20) -> Any:
    """What `look` returns once it is true; fails with `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.1)


@dataclasses.dataclass
class Agent:
    """A Consul agent, a process of our own."""

    node: str
    address: str
    port: int
    arguments: tuple[str, ...]
    folder: pathlib.Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it knows a leader."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(consul_binary(), "agent", f"-node={self.node}", f"-bind={self.address}"),
                    *(f"-client={self.address}", f"-http-port={self.port}"),
                    *("-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1"),
                    *(f"-data-dir={self.folder / 'data'}", *self.arguments),
                    # A dead agent is found in seconds rather than in the half minute of a real net.
                    *("-hcl", "gossip_lan { probe_interval = '200ms' }".replace("'", '"')),
                    *("-hcl", 'gossip_lan { probe_timeout = "100ms" suspicion_mult = 2 }'),
                ],
                stdout=log,
                stderr=log,
            )
        try:
            eventually("a leader", lambda: self.get("/v1/status/leader"))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(self.folder / 'log').read_text()[-3000:]}") from None

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        """The agent's answer; None for 404."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=verb, data=data)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return json.loads(text) if text.strip() else None

    def get(self, path: str) -> Any:
        """The answer of a GET."""
        return self.call("GET", path)

    def register(self, name: str, identifier: str, **more: Any) -> None:
        """Register a service past the module."""
        self.call("PUT", "/v1/agent/service/register", {"Name": name, "ID": identifier, **more})

    def checks(self) -> dict[str, Any]:
        """All checks of the agent."""
        return dict(self.get("/v1/agent/checks"))

    def catalog(self, name: str) -> set[tuple[str, str]]:
        """Node and identifier of each instance in the catalog."""
        return {
            (entry["Node"], entry["ServiceID"]) for entry in self.get(f"/v1/catalog/service/{name}")
        }

    def forget(self) -> None:
        """Deregister everything but Consul itself."""
        for identifier in self.get("/v1/agent/services"):
            quoted = urllib.parse.quote(identifier)
            self.call("PUT", f"/v1/agent/service/deregister/{quoted}")


@dataclasses.dataclass(frozen=True)
class Agents:
    """The agent the module speaks to, and another one of the same datacenter."""

    own: Agent
    other: Agent

    def node_is(self, status: str) -> bool:
        """Whether the other node's serfHealth is so."""
        checks = self.own.get(f"/v1/health/node/{self.other.node}") or []
        return any(c["CheckID"] == "serfHealth" and c["Status"] == status for c in checks)


@pytest.fixture(scope="session", name="_agents")
def _agents_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    """Two agents, joined; ended by their own processes."""
    folder = tmp_path_factory.mktemp("consul")
    http, serf, serf_wan, server = free_ports(4)
    shared = (f"-serf-lan-port={serf}", "-hcl", "disable_update_check = true")
    first = (
        *("-server", "-bootstrap-expect=1", f"-server-port={server}"),
        *(f"-serf-wan-port={serf_wan}", "-hcl", "performance { raft_multiplier = 1 }"),
    )
    joins = (f"-retry-join={LOCAL}:{serf}", "-retry-interval=200ms", f"-server-port={server}")
    own = Agent("own", LOCAL, http, (*shared, *first), folder / "own")
    other = Agent("other", OTHER, http, (*shared, *joins), folder / "other")
    agents = Agents(own, other)
    try:
        own.start()
        other.start()
        eventually("the second agent in the catalog", lambda: agents.node_is("passing"))
        yield agents
    finally:
        other.kill()
        own.kill()


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


@pytest.fixture(name="run")
def _run(agents: Agents, tmp_path: pathlib.Path) -> Callable[..., list[dict[str, Any]]]:
    """Run tasks one after the other against the first agent, whatever fails; a result each."""

    def run(tasks: list[dict[str, Any]], *arguments: str) -> list[dict[str, Any]]:
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
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [*every, save]}
        (tmp_path / "play.yml").write_text(json.dumps([play]))
        done = subprocess.run(
            [
                *("ansible-playbook", "-i", "localhost,", "-c", "local"),
                *("-e", f"ansible_python_interpreter={sys.executable}"),
                *(str(tmp_path / "play.yml"), *arguments),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "CONSUL_HTTP_ADDR": agents.own.url,
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answered: list[dict[str, Any]] = json.loads((tmp_path / "results.json").read_text())
        return answered

    return run
