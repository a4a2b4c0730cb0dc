"""One instance leaves or comes back: how long, and at which price, until a file has it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from rollcall_agents.agent import Agent, free_ports
from rollcall_agents.polling import eventually

from .catalogue import consul
from .containers import IMAGE, container, docker, instead
from .figures.table import Row, table

NODES = 3
PLAIN = """\
{{ range services }}{{ if ne .Name "consul" }}upstream {{ .Name }} {
{{- range service .Name }}
  server {{ .Address }}:{{ .Port }};
{{- end }}
}
{{ end }}{{ end }}"""


class Counter:
    """Stands between a follower and Consul and counts what comes back, in bytes."""

    def __init__(self, target: int) -> None:
        """Listen on a port of its own."""
        self.target = target
        self.received = 0
        self.open = 0
        self.port = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()

    async def _serve(self) -> None:
        listening = await asyncio.start_server(self._pass, "127.0.0.1", 0, backlog=4096)
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await listening.serve_forever()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        with contextlib.suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self._copy(reader, forth), self._copy(back, writer, count=True))
        self.open -= 1

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.received += len(data) if count else 0
                writer.write(data)
                await writer.drain()
        writer.close()


def fill(agent: Agent, services: int) -> None:
    """Services of three instances, one a node, each with a check that passes."""
    for node in range(NODES):
        body = {"Node": f"node-{node}", "Address": f"192.0.2.{node + 1}"}
        agent.call("PUT", "/v1/catalog/register", body)
    operations = [
        operation
        for number in range(services)
        for node in range(NODES)
        for operation in instance(number, node)
    ]
    for start in range(0, len(operations), 64):
        agent.call("PUT", "/v1/txn", operations[start : start + 64])


def instance(number: int, node: int) -> list[dict[str, Any]]:
    """The operations that register one instance."""
    name, identifier = f"service-{number}", f"service-{number}-{node}"
    service = {
        "ID": identifier,
        "Service": name,
        "Address": f"192.0.2.{node + 1}",
        "Port": 10000 + number,
        "Tags": ["lb", f"lb.host={name}.example"],
    }
    check = {"Node": f"node-{node}", "CheckID": identifier, "ServiceID": identifier, "Name": "up"}
    return [
        {"Service": {"Verb": "set", "Node": f"node-{node}", "Service": service}},
        {"Check": {"Verb": "set", "Check": {**check, "Status": "passing"}}},
    ]


def leave(agent: Agent, number: int) -> None:
    """One instance leaves."""
    body = {"Node": "node-0", "ServiceID": f"service-{number}-0"}
    agent.call("PUT", "/v1/catalog/deregister", body)


def come_back(agent: Agent, number: int) -> None:
    """The same comes back."""
    agent.call("PUT", "/v1/txn", instance(number, 0))


def processor(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Followed:
    """What following cost: seconds until the file had it, connections, and a change's price."""

    seconds: list[float]
    connections: int
    consul: float
    follower: float
    bytes: float


@dataclasses.dataclass(frozen=True)
class Used:
    """What was used up to a moment: seconds of processor, and bytes."""

    at: float
    consul: float
    follower: float
    bytes: int


def used(agent: Agent, counter: Counter, name: str) -> Used:
    """What Consul, the container with all its processes, and the wire have used so far."""
    assert agent.process is not None
    rows = docker("top", name, "-eo", "pid").splitlines()[1:]
    follower = 0.0
    for row in rows:
        with contextlib.suppress(OSError):
            follower += processor(int(row))
    return Used(time.monotonic(), processor(agent.process.pid), follower, counter.received)


def follow(agent: Agent, counter: Counter, file: pathlib.Path, changes: int, name: str) -> Followed:
    """Measure a follower in a container that is up to date and writes this file.

    Each change is a lone one, however long it took: both keep the changes of a burst apart.
    """
    pause = 3.0
    connections = counter.open
    start = used(agent, counter, name)
    time.sleep(pause * changes)
    idle = used(agent, counter, name)
    seconds = []
    for number in range(changes):
        change, wanted = (leave, False) if number % 2 == 0 else (come_back, True)
        which = 100 + number // 2
        line = f"192.0.2.1:{10000 + which}"
        began = time.monotonic()
        change(agent, which)
        while (line in file.read_text()) is not wanted:
            assert time.monotonic() < began + 60, f"{line} is not {wanted} after a minute"
            time.sleep(0.005)
        seconds.append(time.monotonic() - began)
        time.sleep(pause)
    end = used(agent, counter, name)

    def each(what: str) -> float:
        quiet = (getattr(idle, what) - getattr(start, what)) / (idle.at - start.at)
        used_in_all = getattr(end, what) - getattr(idle, what)
        return float(used_in_all - quiet * (end.at - idle.at)) / changes

    return Followed(seconds, connections, each("consul"), each("follower"), each("bytes"))


def settled(file: pathlib.Path, services: int) -> bool:
    """Whether the file has the last service's instances."""
    return file.exists() and f"192.0.2.3:{10000 + services - 1}" in file.read_text()


def follow_ours(agent: Agent, folder: pathlib.Path, services: int, changes: int) -> Followed:
    """The balancer, which discovers by tag."""
    port, status = free_ports(2)
    counter = Counter(agent.port)
    (folder / "conf").mkdir()
    (folder / "run").mkdir()
    values = {
        "port": port,
        "status_port": status,
        "discover": {},
        "consul": {"address": f"127.0.0.1:{counter.port}"},
    }
    (folder / "conf" / "settings.json").write_text(json.dumps(values))
    options = (
        *("-v", f"{folder}/conf:/etc/nginx-lb/conf:ro"),
        *("-v", f"{folder}/run:/run/nginx-lb"),
    )
    file = folder / "run" / "instances"
    with container("ours", IMAGE, options=options) as name:
        eventually("every service", lambda: settled(file, services), 120)
        time.sleep(5)
        return follow(agent, counter, file, changes, name)


def follow_plain(agent: Agent, folder: pathlib.Path, services: int, changes: int) -> Followed:
    """consul-template with the template that everybody writes."""
    counter = Counter(agent.port)
    (folder / "plain").mkdir()
    (folder / "plain" / "services.ctmpl").write_text(PLAIN)
    file = folder / "plain" / "services.conf"
    template = "-template=/plain/services.ctmpl:/plain/services.conf"
    words = (f"-consul-addr=127.0.0.1:{counter.port}", template)
    options = ("-v", f"{folder}/plain:/plain", *instead("consul-template"))
    with container("plain", IMAGE, *words, options=options) as name:
        eventually("every service", lambda: settled(file, services), 180)
        time.sleep(5)
        return follow(agent, counter, file, changes, name)


def run_follow(services: int, changes: int) -> None:
    """Both ways over the same catalog, and what one costs of the other."""
    with consul("-hcl", "limits { http_max_conns_per_client = 10000 }") as (agent, folder):
        fill(agent, services)
        plain = follow_plain(agent, folder, services, changes)
        ours = follow_ours(agent, folder, services, changes)
    print(f"{services} services of {NODES} instances, {changes} changes each")
    rows = [
        Row("connections that wait for Consul", (ours.connections, plain.connections)),
        Row("change → file, median ms", _in_ms(statistics.median, ours, plain)),
        Row("change → file, slowest ms", _in_ms(max, ours, plain)),
        Row("Consul's processor, ms a change", (ours.consul * 1e3, plain.consul * 1e3), 1),
        Row("the follower's, nginx included", (ours.follower * 1e3, plain.follower * 1e3), 1),
        Row("from Consul, KiB a change", (ours.bytes / 1024, plain.bytes / 1024), 1),
    ]
    print(*table(("ours", "template"), rows), sep="\n")


def _in_ms(of: Callable[[list[float]], float], *all_followed: Followed) -> tuple[float, ...]:
    return tuple(of(followed.seconds) * 1e3 for followed in all_followed)
