#!/usr/bin/env python3
"""From a container's start to its service: by hop, for one, for fifty at once, and after a restart.

Run on the lab (`lab/up`) from the activated environment; host-3 carries the load, and what it
started is removed at the end. Times are milliseconds after Docker's own start event, on one clock:
the lab's hosts share this machine's. Idle costs are given beside those of a cluster whose
Registrators are stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import http.client
import json
import pathlib
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
ADDRESSES = {"host-1": "10.111.152.136", "host-2": "10.111.152.135", "host-3": "10.111.152.168"}
HOST = "host-3"
SERVICE = "bench"
IMAGE = "10.111.152.2:5000/rollcall/helloworld:1.0.0"
RUN = (
    f"docker run -d -p 80 -e SERVICE_NAME={SERVICE} --label bench=1 --name {{}} "
    f"--entrypoint sleep {IMAGE} infinity > /dev/null"
)
REMOVE = "docker ps -aq --filter label=bench | xargs -r docker rm -f > /dev/null"
HOPS = ("the host's agent", "its health index", "another host's")


def ssh(host: str, command: str) -> str:
    """A command's output on a host."""
    words = ["ssh", "-F", ".lab/ssh/config", host, command]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=500)
    return done.stdout


@dataclasses.dataclass
class Watch:
    """When each container's service was first seen at one place; names map to seconds."""

    host: str
    path: str
    names: Callable[[object], Iterator[str]]
    seen: dict[str, float] = dataclasses.field(default_factory=dict)

    def follow(self, stop: threading.Event) -> None:
        """Ask again and again over one connection: every 2 ms is finer than what is measured."""
        connection = http.client.HTTPConnection(ADDRESSES[self.host], 8500, timeout=5)
        while not stop.is_set():
            connection.request("GET", self.path)
            found = json.loads(connection.getresponse().read())
            now = time.time()
            for name in self.names(found):
                self.seen.setdefault(name, now)
            time.sleep(0.002)
        connection.close()


def of_agent(found: object) -> Iterator[str]:
    """Container names in an answer of /v1/agent/services."""
    assert isinstance(found, dict)
    return (key.split(":")[1] for key, entry in found.items() if entry["Service"] == SERVICE)


def of_health(found: object) -> Iterator[str]:
    """Container names in an answer of /v1/health/service."""
    assert isinstance(found, list)
    return (entry["Service"]["ID"].split(":")[1] for entry in found)


def watches() -> list[Watch]:
    """The three places, in the order a registration reaches them."""
    health = f"/v1/health/service/{SERVICE}?passing"
    return [
        Watch(HOST, f"/v1/agent/services?filter=Service=={SERVICE}", of_agent),
        Watch(HOST, health, of_health),
        Watch("host-1", health, of_health),
    ]


def measure(commands: str, count: int, since: Callable[[], dict[str, float]]) -> list[list[float]]:
    """Run commands on the host; milliseconds by hop from each container's own start."""
    places, stop = watches(), threading.Event()
    threads = [threading.Thread(target=place.follow, args=(stop,)) for place in places]
    for thread in threads:
        thread.start()
    try:
        ssh(HOST, commands)
        deadline = time.monotonic() + 60
        while any(len(place.seen) < count for place in places):
            if time.monotonic() > deadline:
                raise SystemExit(f"only {[len(place.seen) for place in places]} of {count} seen")
            time.sleep(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    started = since()
    return [[(place.seen[name] - started[name]) * 1000 for name in started] for place in places]


def start_events(since: float) -> dict[str, float]:
    """When Docker says that each container started, by its events' nanoseconds."""
    window = f"--since {since:.3f} --until {time.time():.3f}"
    kind = "--filter event=start --filter label=bench"
    lines = ssh(HOST, f"docker events {window} {kind} --format '{{{{json .}}}}'").splitlines()
    events = (json.loads(line) for line in lines)
    return {event["Actor"]["Attributes"]["name"]: event["timeNano"] / 1e9 for event in events}


def show(title: str, hops: list[list[float]]) -> None:
    """Median and 95th percentile by hop."""
    print(f"\n{title}")
    for name, values in zip(HOPS, hops, strict=True):
        ordered = sorted(values)
        late = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        print(f"  {name:18} median {statistics.median(ordered):6.0f} ms   p95 {late:6.0f} ms")


def single(rounds: int) -> None:
    """One container after the other."""
    hops: list[list[float]] = [[], [], []]
    for number in range(rounds):
        began = time.time()
        found = measure(RUN.format(f"bench-{number}"), 1, lambda began=began: start_events(began))
        for values, new in zip(hops, found, strict=True):
            values += new
        ssh(HOST, REMOVE)
        time.sleep(0.2)
    show(f"one start, {rounds} times", hops)


def burst(count: int) -> None:
    """Many at once."""
    began = time.time()
    commands = " & ".join(RUN.format(f"bench-{number}") for number in range(count))
    show(
        f"{count} started at once",
        measure(f"{commands} & wait", count, lambda: start_events(began)),
    )
    ssh(HOST, REMOVE)


def cold(count: int) -> None:
    """All containers are there; the daemon and their registrations are not."""
    ssh(HOST, "docker stop registrator > /dev/null")
    names = " ".join(f"bench-{number}" for number in range(count))
    ssh(HOST, f"for name in {names}; do {RUN.format('$name')}; done")
    began = time.time()
    starts = dict.fromkeys(names.split(), began)
    hops = measure("docker start registrator > /dev/null", count, lambda: starts)
    print(f"\ncold start with {count} containers")
    for name, values in zip(HOPS, hops, strict=True):
        print(f"  {name:18} all after {max(values):6.0f} ms")
    ssh(HOST, REMOVE)


def commits(seconds: float) -> int:
    """Raft entries in so many seconds, of whatever origin."""

    def index() -> int:
        path = f"http://{ADDRESSES['host-1']}:8500/v1/agent/self"
        return int(json.loads(ssh("host-1", f"curl -fsS {path}"))["Stats"]["raft"]["commit_index"])

    before = index()
    time.sleep(seconds)
    return index() - before


def idle(seconds: float) -> None:
    """What an idle minute costs: memory, processor, and Raft entries."""
    pid = ssh(HOST, "docker inspect -f '{{.State.Pid}}' registrator").strip()

    def ticks() -> int:
        fields = ssh(HOST, f"cat /proc/{pid}/stat").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    with_daemons = commits(seconds)
    used = ticks() - before
    resident = int(ssh(HOST, f"grep VmRSS /proc/{pid}/status").split()[1]) / 1024
    for host in ADDRESSES:
        ssh(host, "docker stop registrator > /dev/null")
    without = commits(seconds)
    for host in ADDRESSES:
        ssh(host, "docker start registrator > /dev/null")
    print(f"\nidle for {seconds:.0f} s")
    print(f"  resident memory {resident:.0f} MiB, processor {used / seconds:.2f} % of a core")
    print(f"  Raft entries: {with_daemons} with three Registrators, {without} without any")


def main() -> None:
    """Everything, and leave the host as it was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="single starts (default 20)")
    parser.add_argument("--burst", type=int, default=50, help="starts at once (default 50)")
    parser.add_argument("--cold", type=int, default=200, help="containers there (default 200)")
    parser.add_argument("--idle", type=float, default=60, help="idle seconds (default 60)")
    options = parser.parse_args()
    try:
        single(options.rounds)
        burst(options.burst)
        cold(options.cold)
        idle(options.idle)
    finally:
        ssh(HOST, f"{REMOVE}; docker start registrator > /dev/null")


if __name__ == "__main__":
    main()
