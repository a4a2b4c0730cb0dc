"""The lab as the scenarios see it: the page, Consul's answers, and a playbook that converges."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.profiles import Profile, profile_of
from rollcall_agents.polling import eventually

ROOT = pathlib.Path(__file__).resolve().parents[3]
HOSTS = {"host-1": "10.111.152.136", "host-2": "10.111.152.135", "host-3": "10.111.152.168"}


Eventually = Callable[[Callable[[], bool], float], None]


@dataclasses.dataclass(frozen=True)
class Recap:
    """What a playbook run said at its end: `changed` by host, and the whole output."""

    changed: dict[str, int]
    failed: int
    output: str


@dataclasses.dataclass(frozen=True)
class Lab:
    """The three hosts of the articles."""

    profile: Profile
    page: str = f"http://{HOSTS['host-1']}/"

    def get(self, url: str) -> str:
        """The body behind a URL; raises where nothing answers with 200 in 5 s."""
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: str = answer.read().decode()
            return body

    def consul(self, path: str, host: str = "host-1") -> Any:
        """The decoded answer of a host's agent."""
        return json.loads(self.ask(path, host))

    def put(self, path: str, body: object = None, host: str = "host-1") -> None:
        """A PUT to a host's agent; raises where it does not answer with success in 5 s."""
        self.ask(path, host, "PUT", b"" if body is None else json.dumps(body).encode())

    def ask(
        self, path: str, host: str = "host-1", method: str = "GET", data: bytes | None = None
    ) -> str:
        """A host's agent's answer, in the lab's profile; raises where it is no success in 5 s."""
        url = self.profile.url(HOSTS[host]) + path
        request = urllib.request.Request(url, data, self.profile.headers(), method=method)
        trusted = self.profile.trust()
        with urllib.request.urlopen(request, timeout=5, context=trusted) as answer:
            body: str = answer.read().decode()
            return body

    def passing(self) -> set[tuple[str, int]]:
        """Address and port of every passing instance of the web service."""
        found = self.consul("/v1/health/service/my-web-server?passing")
        return {(entry["Service"]["Address"], entry["Service"]["Port"]) for entry in found}

    def containers(self) -> set[tuple[str, int]]:
        """Address and port of every web container that Docker runs: the truth."""
        found = set()
        for name, address in HOSTS.items():
            output = self.ssh(
                name,
                "docker ps --filter label=rollcall.owner=helloworld -q "
                "| xargs -r -n1 -I{} docker port {} 80",
            )
            found |= {(address, int(port)) for port in re.findall(r"0\.0\.0\.0:(\d+)", output)}
        return found

    def backends(self, requests: int) -> set[str]:
        """Which backends answered so many requests, by the balancer's header."""
        found = set()
        for _ in range(requests):
            with urllib.request.urlopen(self.page, timeout=5) as answer:
                found.add(answer.headers["X-Backend"])
        return found

    def ssh(self, host: str, command: str) -> str:
        """A command's output on a host."""
        return subprocess.run(
            ["ssh", "-F", ".lab/ssh/config", host, command],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout

    def wipe(self, *, python: bool = False) -> None:
        """Leave the hosts without containers and volumes; `python`: without what modules run in.

        Then apt's package lists go too: a fresh host has none.
        Images stay: the runs that follow need not carry them again.
        """
        command = "docker ps -aq | xargs -r docker rm -f -v"
        command += "; docker volume ls -q | xargs -r docker volume rm"
        if python:
            command += "; rm -rf /opt/rollcall; apt-get -qq purge -y python3-packaging"
            command += "; rm -rf /var/lib/apt/lists/*"
        with concurrent.futures.ThreadPoolExecutor(len(HOSTS)) as pool:
            list(pool.map(lambda host: self.ssh(host, command), HOSTS))

    def reboot(self, *hosts: str) -> None:
        """Reboot hosts, as a power cut and its end would, and wait until they can be entered."""
        command = ["docker", "restart", *hosts]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        for host in hosts:
            poll(lambda host=host: self.ssh(host, "docker info") != "", 60)

    def leader(self, host: str = "host-1") -> str:
        """The leader's address as an agent knows it, "" where there is none."""
        return str(self.consul("/v1/status/leader", host))

    def converge(self, *arguments: str) -> Recap:
        """Run the shipped site.yml on the lab's inventory."""
        return self.play("site.yml", *arguments)

    def tasks(
        self, folder: pathlib.Path, tasks: list[dict[str, Any]], *arguments: str
    ) -> list[dict[str, Any]]:
        """Run tasks on host-1 one after the other, whatever fails; returns a result each."""
        play = {"hosts": "host-1", "gather_facts": False, **self.profile.play()}
        every = [{**task, "ignore_errors": True} for task in tasks]
        (folder / "play.yml").write_text(json.dumps([{**play, "tasks": every}]))
        recap = subprocess.run(
            ["ansible-playbook", str(folder / "play.yml"), "-i", "inventories/lab", *arguments],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        start = recap.stdout.index("{")
        report = json.loads(recap.stdout[start:])
        return [task["hosts"]["host-1"] for task in report["plays"][0]["tasks"]]

    def play(self, playbook: str, *arguments: str, inventory: str = "inventories/lab") -> Recap:
        """Run a playbook of the checkout."""
        result = subprocess.run(
            ["ansible-playbook", playbook, "-i", inventory, *arguments],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        output = result.stdout + result.stderr
        rows = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+).*?failed=(\d+)", output, re.M)
        assert rows or result.returncode, output
        changed = {host: int(count) for host, count, _ in rows}
        return Recap(changed, sum(int(row[2]) for row in rows) or result.returncode, output)


@pytest.fixture(scope="session", name="_lab")
def _as_started() -> Lab:
    """The lab that `lab/up` has started."""
    return Lab(profile_of(os.environ))


@pytest.fixture(scope="session")
def lab(_lab: Lab) -> Lab:
    """The lab; a module may see it in another profile."""
    return _lab


@dataclasses.dataclass
class Condition:
    """Whether the hosts run what site.yml leaves."""

    whole: bool = True


@pytest.fixture(scope="session", name="_condition")
def _handed_on_as_it_was_found(_lab: Lab) -> Iterator[Condition]:
    """What the stories leave; the lab is whole again at the end."""
    condition = Condition()
    yield condition
    restore(_lab, condition)


@pytest.fixture(scope="module", autouse=True)
def _whole(request: pytest.FixtureRequest, _lab: Lab, _condition: Condition) -> None:
    """Begin with a whole lab; a module that says EMPTIES_HOSTS begins with what it finds."""
    if getattr(request.module, "EMPTIES_HOSTS", False):
        _condition.whole = False
    else:
        restore(_lab, _condition)


def restore(lab: Lab, condition: Condition) -> None:
    """Three hosts, one cluster, unless they are there."""
    if not condition.whole:
        lab.wipe()
        recap = lab.converge()
        assert not recap.failed, recap.output
        condition.whole = True


@pytest.fixture(name="eventually")
def _eventually() -> Eventually:
    """Wait until something holds, failing at a deadline in seconds."""
    return poll


def poll(holds: Callable[[], bool], within: float) -> None:
    """Look until it holds; fails at the deadline, in seconds. A host that boots answers nothing."""
    ignore = (OSError, subprocess.SubprocessError)
    eventually("what the hosts should be like", holds, within, ignore=ignore)
