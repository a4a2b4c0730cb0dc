#!/usr/bin/env python3
"""200 services with a check each: consul_service against community.general and plain curl.

Run from the activated environment; it starts a Consul agent in dev mode on loopback. Each way
registers the same services there twice: the first run finds none, the second one all of them. Two
rows explain the others: the same loop over `ping`, which does nothing, and the work of
consul_service for all services in a single process. Prints ratios of medians: seconds differ from
machine to machine. Each way but the last two takes minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

sys.path.extend(
    str(pathlib.Path(__file__).resolve().parents[1] / folder)
    for folder in ("lab", ".ansible/collections")
)

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.plan import (
    WantedService,
    plan_service,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.registry import (
    Registry,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from rollcall_agents.agent import LOCAL, Agent, free_ports
from rollcall_lab.environment import ANSIBLE_WHEEL
from rollcall_lab.settings import CACHE

COLLECTIONS = pathlib.Path(__file__).resolve().parents[1] / ".ansible" / "collections"
GENERAL = "ansible_collections/community/general/"
BASE, DEFAULTS, GENERALS, PING = "ours", "ours, module_defaults", "community.general", "ping"
CURL, INSIDE = "curl in a shell loop", "ours in one process"
Task = dict[str, Any]
# Changed tasks of a run, None where the way cannot tell.
Run = Callable[[], int | None]


@dataclasses.dataclass
class Way:
    """A way to register the services, with what its runs took and changed."""

    title: str
    run: Run
    first: list[float] = dataclasses.field(default_factory=list)
    second: list[float] = dataclasses.field(default_factory=list)
    created: int | None = None
    changed: int | None = None

    def measure(self) -> None:
        """Both runs, one after the other."""
        began = time.monotonic()
        self.created = self.run()
        between = time.monotonic()
        self.changed = self.run()
        self.first.append(between - began)
        self.second.append(time.monotonic() - between)


@contextlib.contextmanager
def scratch_agent(folder: pathlib.Path) -> Iterator[Agent]:
    """An agent in dev mode with ports of its own, gone at the end."""
    http, server, lan, wan = free_ports(4)
    ports = (f"-server-port={server}", f"-serf-lan-port={lan}", f"-serf-wan-port={wan}")
    agent = Agent("bench", LOCAL, http, ("-dev", *ports), folder)
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


def unpack_general(target: pathlib.Path) -> None:
    """Put community.general, out of the wheel that lab/up keeps, below `target`."""
    version = ANSIBLE_WHEEL.partition("==")[2]
    found = next((CACHE / "wheels").glob(f"ansible-{version}-*.whl"), None)
    if found is None:
        raise SystemExit(f"no wheel of {ANSIBLE_WHEEL} in {CACHE / 'wheels'}: lab/up fetches it")
    with zipfile.ZipFile(found) as wheel:
        wheel.extractall(target, [name for name in wheel.namelist() if name.startswith(GENERAL)])


def check_of(agent: Agent) -> dict[str, str]:
    """The check that every service has."""
    return {"http": f"{agent.url}/v1/status/leader", "interval": "60s", "timeout": "1s"}


def ours(agent: Agent, number: str | int) -> dict[str, Any]:
    """The options of consul_service, without those of the connection."""
    return {
        "name": f"bench-{number}",
        "address": LOCAL,
        "port": 8080,
        "tags": ["bench"],
        "checks": [{"name": "answers", **check_of(agent)}],
    }


def general(agent: Agent) -> list[Task]:
    """What users of community.general need: its service takes no checks."""
    where = {"host": agent.address, "port": agent.port}
    service = {"name": "bench-{{ item }}", "address": LOCAL, "service_port": 8080}
    check = {"name": "answers", "id": "bench-{{ item }}-1", "service_id": "bench-{{ item }}"}
    return [
        {"community.general.consul_agent_service": {**service, "tags": ["bench"], **where}},
        {"community.general.consul_agent_check": {**check, **check_of(agent), **where}},
    ]


def playbook(folder: pathlib.Path, count: int, tasks: list[Task], **play: Any) -> Run:
    """A play that loops each task over the services, with forks and all else left alone."""
    looped = [{**task, "loop": f"{{{{ range({count}) | list }}}}"} for task in tasks]
    content = [{"hosts": "all", "gather_facts": False, **play, "tasks": looped}]
    file = folder / "play.yml"
    folder.mkdir()
    file.write_text(json.dumps(content))
    words = ["ansible-playbook", "-i", "localhost,", "-c", "local", str(file)]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{folder.parent}",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }

    def run() -> int:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise SystemExit(f"{file}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return changed_of(json.loads(done.stdout[done.stdout.index("{") :]))

    return run


def changed_of(report: dict[str, Any]) -> int:
    """Items of all tasks that report a change."""
    tasks = [task["hosts"]["localhost"] for play in report["plays"] for task in play["tasks"]]
    return sum(item["changed"] for task in tasks for item in task["results"])


def curl(agent: Agent, count: int) -> Run:
    """One shell that sends every registration, and asks nothing."""
    body = {
        "Name": "bench-NUMBER",
        "Address": LOCAL,
        "Port": 8080,
        "Tags": ["bench"],
        "Checks": [{"Name": "answers", **check_of(agent)}],
    }
    text = json.dumps(body).replace("NUMBER", "'$number'")
    url = f"{agent.url}/v1/agent/service/register?replace-existing-checks=true"
    script = (
        f"set -e; number=0; while [ $number -lt {count} ]; do "
        f"curl -fsS -X PUT --data '{text}' '{url}'; number=$((number + 1)); done"
    )

    def run() -> None:
        subprocess.run(["sh", "-c", script], check=True, capture_output=True)

    return run


def one_process(agent: Agent, count: int) -> Run:
    """What consul_service does for each service, without a process for each."""

    def run() -> int:
        registry = Registry(Connection(agent.url))
        changed = 0
        for number in range(count):
            wanted = WantedService.from_params({"state": "present", **ours(agent, number)})
            plan = plan_service(wanted, registry.read(wanted))
            registry.apply(plan, wanted.id)
            registry.read_service(wanted.id)
            changed += plan.diff.changed
        return changed

    return run


def ways(agent: Agent, count: int, folder: pathlib.Path) -> list[Way]:
    """Everything that is compared, for this agent."""
    module = "rollcall.discovery.consul_service"
    task = ours(agent, "{{ item }}")
    defaults = {module: {"url": agent.url}}
    plays: list[tuple[str, list[Task], dict[str, Any]]] = [
        (BASE, [{module: {**task, "url": agent.url}}], {}),
        (DEFAULTS, [{module: task}], {"module_defaults": defaults}),
        (GENERALS, general(agent), {}),
        (PING, [{"ansible.builtin.ping": {}}], {}),
    ]
    return [
        *(
            Way(title, playbook(folder / f"play-{number}", count, tasks, **play))
            for number, (title, tasks, play) in enumerate(plays)
        ),
        Way(CURL, curl(agent, count)),
        Way(INSIDE, one_process(agent, count)),
    ]


def complete(agent: Agent, count: int, title: str) -> None:
    """SystemExit where a way left a service or a check out: its seconds would mean nothing."""
    services = agent.get("/v1/agent/services")
    checked = {check["ServiceID"] for check in agent.checks().values()}
    wanted = {f"bench-{number}" for number in range(count)}
    if not wanted == set(services) == checked:
        raise SystemExit(f"{title}: {len(services)} services, {len(checked)} of them with a check")


def measure(options: argparse.Namespace, folder: pathlib.Path) -> list[Way]:
    """Interleave the ways, so that a busy moment strikes all; each begins without services."""
    unpack_general(folder)
    with scratch_agent(folder / "agent") as agent:
        everything = ways(agent, options.services, folder)
        compared = [way for way in everything if way.title not in options.without]
        for number in range(1, options.rounds + 1):
            for way in compared:
                way.measure()
                if way.title != PING:
                    complete(agent, options.services, way.title)
                agent.forget()
                seconds = f"{way.first[-1]:.1f} s, again {way.second[-1]:.1f} s"
                print(f"round {number}: {way.title:22} {seconds}", flush=True)
    return compared


def show(compared: list[Way], count: int) -> None:
    """Ratios to the first run of ours, and what a second run changed."""
    base = next(statistics.median(way.first) for way in compared if way.title == BASE)
    print(f"\n{count} services, one check each{'':3} first  second  second / first  changed")
    for way in compared:
        first, second = statistics.median(way.first), statistics.median(way.second)
        changed = "-" if way.changed is None else f"{way.created}, then {way.changed}"
        ratios = f"{first / base:6.3f}  {second / base:6.3f}  {second / first:14.2f}"
        print(f"{way.title:{len(str(count)) + 27}} {ratios}  {changed}")


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="(default 3)")
    parser.add_argument("--services", type=int, default=200, help="(default 200)")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="WAY",
        choices=(DEFAULTS, GENERALS, PING, CURL, INSIDE),
        help=f"leave out {DEFAULTS!r}, {GENERALS!r}, {PING!r}, {CURL!r} or {INSIDE!r}; repeatable",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as name:
        compared = measure(options, pathlib.Path(name))
    show(compared, options.services)


if __name__ == "__main__":
    main()
