"""A hundred changes in ten seconds under load: what requests take, beside a calm time before."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from rollcall_agents.agent import LOCAL, Agent

from .balancers import Balancer, ready
from .change import deregister, in_each_turn, register
from .containers import LOAD, docker
from .figures.load import Load, read
from .figures.table import Row, in_pairs, table

SECONDS, CHANGES, RATE, CLIENTS = 10, 100, 200, 8


def change(agent: Agent, port: int) -> None:
    """An instance comes and leaves, each change a tenth of a second after the last."""
    began = time.monotonic()
    for number in range(CHANGES):
        time.sleep(max(0.0, began + number * SECONDS / CHANGES - time.monotonic()))
        (deregister if number % 2 else register)(agent, port)


def ask(port: int) -> Load:
    """Requests at a steady rate for as long as the changes take."""
    words = ("-z", f"{SECONDS}s", "-c", str(CLIENTS), "-q", str(RATE // CLIENTS))
    return read(
        docker(
            *("run", "--rm", "--name", "balancer-bench-hey", "--network", "host", LOAD),
            *("hey", *words, f"http://{LOCAL}:{port}/"),
        )
    )


def measure(balancer: Balancer, agent: Agent, ports: Sequence[int]) -> Iterator[tuple[Load, Load]]:
    """The load in a calm time, and during the changes."""
    standing, other = ports
    ready(balancer.port, str(standing))
    calm = ask(balancer.port)
    with ThreadPoolExecutor(1) as pool:
        during = pool.submit(ask, balancer.port)
        change(agent, other)
        yield calm, during.result()


def run_churn(turns: int) -> None:
    """Print what requests took in a calm time and during the changes."""
    found = in_each_turn(turns, 2, measure)
    print(f"{CHANGES} changes in {SECONDS} s at {RATE} requests/s, {turns} turns")
    failed = (sum(each.failed for pair in pairs for each in pair) for pairs in found.values())
    tails = {
        name: tuple([each.p99_ms for each in side] for side in zip(*pairs, strict=True))
        for name, pairs in found.items()
    }
    median = statistics.median
    rows = [
        Row("failed", tuple(failed)),
        Row("p99 calm, median ms", tuple(median(calm) for calm, _ in tails.values()), 2),
        Row("p99 in changes, median ms", tuple(median(tail) for _, tail in tails.values()), 2),
    ]
    print(*table(list(found), rows), sep="\n")
    for name, (calm, during) in tails.items():
        print(f"p99, in changes / calm in one turn, {name}: {in_pairs(during, calm)}")
