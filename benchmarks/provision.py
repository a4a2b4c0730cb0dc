#!/usr/bin/env python3
"""site.yml against a parallel shell script of the same docker run calls, until the page rotates.

Run on the lab (`lab/up`) from the activated environment. The hosts have their images and nothing
else; each round empties them, so nothing of a stack that runs there survives. Prints ratios of
medians: seconds differ from machine to machine.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOSTS = ("host-1", "host-2", "host-3")
PAGE = "http://10.111.152.136/"
PLAYBOOK = ["ansible-playbook", "site.yml", "-i", "inventories/lab"]
EMPTY = "docker ps -aq | xargs -r docker rm -f -v; docker volume ls -q | xargs -r docker volume rm"
LIBRARIES = "; rm -rf /opt/rollcall"
# Tasks of these actions never reach a host.
ON_THE_CONTROLLER = {
    "ansible.builtin.include_tasks",
    "ansible.builtin.validate_argument_spec",
    "ansible.builtin.debug",
}


def empty(command: str) -> None:
    """Empty all hosts at once."""

    def one(host: str) -> None:
        words = ["ssh", "-F", ".lab/ssh/config", host, command]
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True, timeout=120)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(one, HOSTS))


def until_the_page_rotates(start: Callable[[], object]) -> float:
    """Seconds from the start until every host has answered through the balancer."""
    began = time.monotonic()
    seen: set[str] = set()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done = pool.submit(start)
        while len(seen) < len(HOSTS):
            if time.monotonic() - began > 300:
                raise SystemExit(f"after 300 s only {sorted(seen)} answer at {PAGE}")
            try:
                with urllib.request.urlopen(PAGE, timeout=1) as answer:
                    seen.add(answer.read().decode().split()[3])
            except OSError:
                time.sleep(0.02)
        elapsed = time.monotonic() - began
        done.result()
    return elapsed


def seconds(run: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.monotonic()
    run()
    return time.monotonic() - began


def script() -> None:
    """The yardstick."""
    subprocess.run([str(ROOT / "benchmarks" / "provision.sh")], check=True, capture_output=True)


def playbook() -> str:
    """The shipped playbook, its report as JSON."""
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    done = subprocess.run(
        PLAYBOOK, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout[done.stdout.index("{") :]


def counts(report: str, host: str) -> tuple[int, int]:
    """Tasks that ran for a host, and how many of them were module calls on it."""
    tasks: Iterable[dict[str, dict[str, object]]] = (
        task["hosts"][host]
        for play in json.loads(report)["plays"]
        for task in play["tasks"]
        if host in task["hosts"] and not task["hosts"][host].get("skipped")
    )
    ran = [str(result.get("action")) for result in tasks]
    return len(ran), sum(action not in ON_THE_CONTROLLER for action in ran)


def main() -> None:
    """Interleave the rounds, so that a busy moment strikes both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    first: list[float] = []
    ready: list[float] = []
    again: list[float] = []
    yardstick: list[float] = []
    report = ""
    for number in range(1, rounds + 1):
        empty(EMPTY)
        yardstick.append(until_the_page_rotates(script))
        empty(EMPTY + LIBRARIES)
        first.append(until_the_page_rotates(playbook))
        again.append(seconds(playbook))
        empty(EMPTY)
        ready.append(until_the_page_rotates(playbook))
        report = playbook()
        print(
            f"round {number}: script {yardstick[-1]:.1f} s, site.yml {first[-1]:.1f} s, again "
            f"{again[-1]:.1f} s, with the libraries there {ready[-1]:.1f} s",
            flush=True,
        )
    base, whole = statistics.median(yardstick), statistics.median(first)
    print(f"\nsite.yml on empty hosts / script    {whole / base:.2f}")
    print(f"the same with the libraries there   {statistics.median(ready) / base:.2f}")
    print(f"second run / first run              {statistics.median(again) / whole:.2f}")
    for host in HOSTS:
        tasks, calls = counts(report, host)
        print(f"{host}: {tasks} tasks ran, {calls} of them module calls on the host")


if __name__ == "__main__":
    main()
