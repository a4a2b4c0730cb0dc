"""A hundred changes in ten seconds under load: what requests take, beside a calm time before."""

from __future__ import annotations

import contextlib
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence

from rollcall_agents.agent import LOCAL, Agent, free_ports

from .balancers import Balancer, ours, plain, ready
from .catalogue import consul
from .change import deregister, register
from .containers import BACKENDS, LOAD, docker, nginx
from .figures.load import Load, read
from .figures.table import Row, in_pairs, in_turns, table

CONTENDERS: dict[str, Callable[[Agent], contextlib.AbstractContextManager[Balancer]]] = {
    "ours": ours,
    "plain": plain,
}
SECONDS, CHANGES, RATE, CLIENTS = 10, 100, 200, 8


@contextlib.contextmanager
def changing(agent: Agent, port: int) -> Iterator[None]:
    """An instance comes and leaves meanwhile, each change a tenth of a second after the last."""
    ended = threading.Event()

    def change() -> None:
        for number in range(CHANGES):
            (deregister if number % 2 else register)(agent, port)
            if ended.wait(SECONDS / CHANGES):
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def ask(port: int) -> Load:
    """Requests at a steady rate for as long as the changes take."""
    words = ("-z", f"{SECONDS}s", "-c", str(CLIENTS), "-q", str(RATE // CLIENTS))
    return read(
        docker(
            *("run", "--rm", "--name", "balancer-bench-hey", "--network", "host", LOAD),
            *("hey", *words, f"http://{LOCAL}:{port}/"),
        )
    )


def measure(balancer: Balancer, agent: Agent, ports: Sequence[int]) -> tuple[Load, Load]:
    """The load in a calm time, and during the changes."""
    standing, other = ports
    ready(balancer.port, str(standing))
    calm = ask(balancer.port)
    with changing(agent, other):
        return calm, ask(balancer.port)


def run_churn(turns: int) -> None:
    """Each in turns before the same Consul and the same instances."""
    ports = free_ports(2)
    servers = "\n".join(
        f"server {{ listen {LOCAL}:{port}; location / {{ return 200 {port}; }} }}" for port in ports
    )
    found: dict[str, list[tuple[Load, Load]]] = {name: [] for name in CONTENDERS}
    with consul() as (agent, folder), nginx("backends", BACKENDS % servers, folder):
        register(agent, ports[0])
        for _turn, name in in_turns(CONTENDERS, turns):
            with CONTENDERS[name](agent) as balancer:
                found[name].append(measure(balancer, agent, ports))
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
