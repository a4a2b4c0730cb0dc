"""An instance is registered or deregistered: how long until requests go there, or no more."""

from __future__ import annotations

import contextlib
import functools
import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from rollcall_agents.agent import LOCAL, Agent, free_ports
from rollcall_agents.polling import eventually

from .balancers import SERVICE, Balancer, Page, ours, plain, ready
from .catalogue import consul
from .containers import backends, nginx
from .figures.changes import Answer, Change, first_after, last_after, rows
from .figures.table import in_turns, table

CONTENDERS: dict[str, Callable[[Agent], contextlib.AbstractContextManager[Balancer]]] = {
    "ours": ours,
    "plain": plain,
}
# After the last request to an instance that was deregistered. A reload takes a tenth of that.
QUIET_SECONDS = 1.0
T = TypeVar("T")


class Stream:
    """Requests over one connection, each as soon as the one before is answered."""

    def __init__(self, port: int) -> None:
        """Begin at once."""
        self.answers: list[Answer] = []
        self._page = Page(port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.is_set():
            sent = time.monotonic()
            # A reload closes the connection between two requests.
            with contextlib.suppress(OSError, http.client.HTTPException):
                name = self._page.text()
                self.answers.append(Answer(name, sent, time.monotonic()))


def registered(agent: Agent, stream: Stream, port: int) -> float:
    """Seconds from the registration of an instance until it has answered."""
    began, known = time.monotonic(), len(stream.answers)
    register(agent, port)

    def found() -> float | None:
        return first_after(stream.answers[known:], str(port), began)

    eventually(f"an answer of {port}", lambda: found() is not None)
    return found() or 0.0


def deregistered(agent: Agent, stream: Stream, port: int) -> float:
    """Seconds from the deregistration of an instance until the last request was sent to it."""
    began, known = time.monotonic(), len(stream.answers)
    deregister(agent, port)

    def last() -> float:
        return last_after(stream.answers[known:], str(port), began)

    eventually(f"no answer of {port}", lambda: time.monotonic() - began > last() + QUIET_SECONDS)
    return last()


def register(agent: Agent, port: int) -> None:
    """Register the instance at this port."""
    agent.register(SERVICE, f"{SERVICE}-{port}", Address=LOCAL, Port=port)


def deregister(agent: Agent, port: int) -> None:
    """Deregister it."""
    agent.call("PUT", f"/v1/agent/service/deregister/{SERVICE}-{port}")


def measure(balancer: Balancer, agent: Agent, ports: Sequence[int], times: int) -> Iterator[Change]:
    """Two instances come, one just after the other, and leave."""
    standing, first, second = ports
    ready(balancer.port, str(standing))
    stream = Stream(balancer.port)
    try:
        for _ in range(times):
            came = registered(agent, stream, first), registered(agent, stream, second)
            left = deregistered(agent, stream, first)
            deregistered(agent, stream, second)
            yield Change(*came, left)
    finally:
        stream.end()


def in_each_turn(
    turns: int, count: int, measure: Callable[[Balancer, Agent, Sequence[int]], Iterable[T]]
) -> dict[str, list[T]]:
    """What is measured of each in turns, before the same Consul and the same instances.

    There are `count` of them, which answer with their ports; the first is registered.
    """
    ports = free_ports(count)
    found: dict[str, list[T]] = {name: [] for name in CONTENDERS}
    servers = backends({port: str(port) for port in ports})
    with consul() as (agent, folder), nginx("backends", servers, folder):
        register(agent, ports[0])
        for _turn, name in in_turns(CONTENDERS, turns):
            with CONTENDERS[name](agent) as balancer:
                found[name] += measure(balancer, agent, ports)
    return found


def run_change(turns: int, times: int) -> None:
    """Print how long changes take."""
    found = in_each_turn(turns, 3, functools.partial(measure, times=times))
    print(f"{turns * times} changes each, in {turns} turns")
    print(*table(list(found), rows(found)), sep="\n")
