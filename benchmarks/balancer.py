#!/usr/bin/env python3
"""The balancer against what people write by hand: a thousand services, and passing requests.

Run from the activated environment on a machine with a Docker Engine; it starts a Consul agent of
its own and containers named `balancer-bench-…` on the host's network, and removes them. Prints
ratios: seconds differ from machine to machine.

`follow`: services of three instances in one Consul. One instance leaves or comes back at a time;
how long until the rendered file has it, how many connections wait for Consul, what a change costs
processors and wire. Ours discovers by tag, and the file is what nginx has accepted; beside it a
`range services` template, of which nobody asks whether nginx would take it.

`pass`: requests per second and p99 through the balancer, and through the same nginx with an
upstream written by hand, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from integration.consul.agent import Agent, eventually, free_ports  # noqa: E402  (the path first)
from integration.consul.clusters import server  # noqa: E402

IMAGE, BENCH = "balancer/nginx-lb:bench", "balancer/bench:bench"
NODES = 3
PLAIN = """\
{{ range services }}{{ if ne .Name "consul" }}upstream {{ .Name }} {
{{- range service .Name }}
  server {{ .Address }}:{{ .Port }};
{{- end }}
}
{{ end }}{{ end }}"""
# The same proxy and the same log, without anything that follows, judges or retries.
BY_HAND = """\
user www-data;
worker_processes auto;
pid /run/hand.pid;
error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
  log_format json escape=json
    '{"time":"$time_iso8601","client":"$remote_addr","request":"$request",'
    '"status":$status,"seconds":$request_time,"backend":"$upstream_addr"}';
  access_log /dev/stdout json buffer=32k flush=1s;
  upstream web {
    zone web 64k;
%s
    keepalive 32;
  }
  server {
    listen %d;
    location / {
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
"""
BACKENDS = """\
worker_processes 1;
pid /run/backends.pid;
error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000;
%s
}
"""


def docker(*words: str) -> str:
    """What the engine answers."""
    return subprocess.run(
        ["docker", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextlib.contextmanager
def container(name: str, image: str, *words: str, options: tuple[str, ...] = ()) -> Iterator[str]:
    """A container on the host's network, removed at the end; its name."""
    full = f"balancer-bench-{name}"
    docker("run", "-d", "--name", full, "--network", "host", *options, image, *words)
    try:
        yield full
    finally:
        subprocess.run(["docker", "rm", "-f", "-v", full], check=False, capture_output=True)


# Following


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
    return Used(processor(agent.process.pid), follower, counter.received)


def follow(agent: Agent, counter: Counter, file: pathlib.Path, changes: int, name: str) -> Followed:
    """Measure a follower in a container that is up to date and writes this file."""
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
        time.sleep(max(0.0, pause - seconds[-1]))
    end = used(agent, counter, name)

    def each(what: str) -> float:
        quiet = getattr(idle, what) - getattr(start, what)
        return float(getattr(end, what) - getattr(idle, what) - quiet) / changes

    return Followed(seconds, connections, each("consul"), each("follower"), each("bytes"))


def settled(file: pathlib.Path, services: int) -> bool:
    """Whether the file has the last service's instances."""
    return file.exists() and f"192.0.2.3:{10000 + services - 1}" in file.read_text()


def follow_ours(agent: Agent, folder: pathlib.Path, services: int, changes: int) -> Followed:
    """The balancer, which discovers by tag."""
    port, status = free_ports(2)
    counter = Counter(agent.port)
    (folder / "conf").mkdir()
    (folder / "volume").mkdir()
    values = {
        "port": port,
        "status_port": status,
        "discover": {},
        "consul": {"address": f"127.0.0.1:{counter.port}"},
    }
    (folder / "conf" / "settings.json").write_text(json.dumps(values))
    options = (
        *("-v", f"{folder}/conf:/etc/nginx-lb/conf:ro"),
        *("-v", f"{folder}/volume:/var/lib/nginx-lb"),
    )
    file = folder / "volume" / "nginx.conf"
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
    options = ("-v", f"{folder}/plain:/plain", "--entrypoint", "consul-template")
    with container("plain", IMAGE, *words, options=options) as name:
        eventually("every service", lambda: settled(file, services), 180)
        time.sleep(5)
        return follow(agent, counter, file, changes, name)


def run_follow(services: int, changes: int) -> None:
    """Both ways over the same catalog, and what one costs of the other."""
    with tempfile.TemporaryDirectory(prefix="balancer-bench-") as scratch:
        folder = pathlib.Path(scratch)
        folder.chmod(0o755)
        limits = "limits { http_max_conns_per_client = 10000 }"
        agent = server("bench", folder, "-bootstrap-expect=1", "-hcl", limits)
        try:
            agent.start()
            fill(agent, services)
            plain = follow_plain(agent, folder, services, changes)
            ours = follow_ours(agent, folder, services, changes)
        finally:
            agent.kill()
    print(f"{services} services of {NODES} instances, {changes} changes each")
    print(f"{'':34}{'ours':>12}{'template':>12}{'ours / template':>18}")
    rows: list[tuple[str, float, float, str]] = [
        ("connections that wait for Consul", ours.connections, plain.connections, ".0f"),
        ("change → file, median ms", *_medians(ours, plain), ".0f"),
        ("change → file, slowest ms", max(ours.seconds) * 1e3, max(plain.seconds) * 1e3, ".0f"),
        ("Consul's processor, ms a change", ours.consul * 1e3, plain.consul * 1e3, ".1f"),
        ("the follower's, nginx included", ours.follower * 1e3, plain.follower * 1e3, ".1f"),
        ("from Consul, KiB a change", ours.bytes / 1024, plain.bytes / 1024, ".1f"),
    ]
    for title, mine, theirs, form in rows:
        ratio = f"{mine / theirs:.3f}" if theirs > 0 else "-"
        print(f"{title:34}{mine:>12{form}}{theirs:>12{form}}{ratio:>18}")


def _medians(ours: Followed, plain: Followed) -> tuple[float, float]:
    return statistics.median(ours.seconds) * 1e3, statistics.median(plain.seconds) * 1e3


# Passing


def wrk(port: int, seconds: int, connections: int) -> tuple[float, float]:
    """Requests a second, and the p99 in milliseconds."""
    text = docker(
        *("run", "--rm", "--name", "balancer-bench-wrk", "--network", "host", BENCH),
        *(
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            f"http://127.0.0.1:{port}/",
        ),
    )
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    assert rate, text
    assert tail, text
    assert "Non-2xx" not in text, text
    return float(rate[1]), float(tail[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[tail[2]]


def run_pass(rounds: int, seconds: int, connections: int) -> None:
    """Ours and by hand in turns, each once first in each pair."""
    ports = free_ports(5)
    backends, (own, hand) = ports[:3], ports[3:]
    with (
        tempfile.TemporaryDirectory(prefix="balancer-bench-") as scratch,
        contextlib.ExitStack() as stack,
    ):
        folder = pathlib.Path(scratch)
        folder.chmod(0o755)
        agent = server("bench", folder, "-bootstrap-expect=1")
        stack.callback(agent.kill)
        agent.start()
        servers = "\n".join(
            f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }}"
            for port in backends
        )
        (folder / "backends.conf").write_text(BACKENDS % servers)
        members = "\n".join(f"    server 127.0.0.1:{port};" for port in backends)
        (folder / "hand.conf").write_text(BY_HAND % (members, hand))
        for name in ("backends", "hand"):
            options = ("-v", f"{folder}:/conf:ro", "--entrypoint", "nginx")
            words = ("-c", f"/conf/{name}.conf", "-g", "daemon off;")
            stack.enter_context(container(name, IMAGE, *words, options=options))
        for port in backends:
            agent.register("web", f"web-{port}", Address="127.0.0.1", Port=port)
        environment = {
            "NGINX_LB_SERVICE": "web",
            "NGINX_LB_PORT": own,
            "NGINX_LB_STATUS_PORT": free_ports(1)[0],
            "NGINX_LB_NETWORKS": "127.0.0.0/8",
            "CONSUL_HTTP_ADDR": f"127.0.0.1:{agent.port}",
        }
        options = tuple(
            word for key, value in environment.items() for word in ("-e", f"{key}={value}")
        )
        stack.enter_context(container("ours", IMAGE, options=options))
        for port in (own, hand):
            ready(port)
        rates: dict[int, list[float]] = {own: [], hand: []}
        tails: dict[int, list[float]] = {own: [], hand: []}
        for turn in range(rounds):
            for port in (own, hand) if turn % 2 == 0 else (hand, own):
                rates[port].append(wrk(port, seconds, connections)[0])
                # Two connections leave the processors room: a full queue has no latency of its own.
                tails[port].append(wrk(port, seconds, 2)[1])
    print(f"{rounds} times {seconds} s each, in turns; {connections} connections, for p99 two")
    # What else runs on the machine only ever adds: the best round has least of it.
    for title, found, best in (("requests/s", rates, max), ("p99 ms", tails, min)):
        for name, pick in (("median", statistics.median), ("best", best)):
            mine, theirs = pick(found[own]), pick(found[hand])
            row = f"ours {mine:9.2f}  by hand {theirs:9.2f}  ratio {mine / theirs:.3f}"
            print(f"{title:11}{name:8}{row}")


def ready(port: int) -> None:
    """Wait until somebody answers with 200 there."""

    def look() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return bool(answer.status == 200)

    eventually(f"port {port}", look)


def build() -> None:
    """The balancer's image, and one with a load generator."""
    docker("build", "-q", "-t", IMAGE, str(ROOT / "images" / "nginx-lb"))
    recipe = (
        "FROM debian:trixie-slim\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends wrk "
        "&& rm -rf /var/lib/apt/lists/*\n"
    )
    subprocess.run(
        ["docker", "build", "-q", "-t", BENCH, "-"],
        input=recipe,
        text=True,
        check=True,
        capture_output=True,
    )


def main() -> None:
    """Run what is asked for, both parts without a word."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=["follow", "pass"])
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "follow": lambda: run_follow(options.services, options.changes),
        "pass": lambda: run_pass(options.rounds, options.seconds, options.connections),
    }
    build()
    for name, run in parts.items():
        if options.part in (None, name):
            run()


main()
