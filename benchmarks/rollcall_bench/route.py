"""A backend's container starts: how long, hop by hop, until a request is routed to it."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from rollcall_agents.agent import LOCAL, Agent, free_ports
from rollcall_agents.polling import eventually

from .balancers import (
    POLL_SECONDS,
    SERVICE,
    Balancer,
    Page,
    ours,
    plain,
    ready,
    traefik,
    traefik_program,
)
from .catalogue import consul
from .containers import BACKENDS, REGISTRATOR, container, docker, nginx
from .figures.hops import due, hops, phases, rows
from .figures.table import in_turns, table

Contender = Callable[[Agent], contextlib.AbstractContextManager[Balancer]]
CONTENDERS: dict[str, Contender] = {
    "ours": ours,
    "plain": plain,
    "Traefik": traefik,
    "its watch": functools.partial(traefik, watch=True),
}
# Says its own name on every path.
BACKEND = BACKENDS % "server { listen 80; location / { return 200 $hostname; } }"
# As the role helloworld has it. Traefik's watch is woken by new services and by checks: another
# instance without a check is never routed to.
CHECK = (
    *("SERVICE_CHECK_HTTP=/", "SERVICE_CHECK_INTERVAL=2s"),
    *("SERVICE_CHECK_TIMEOUT=1s", "SERVICE_CHECK_INITIAL_STATUS=passing"),
)
# Each balancer holds a change back that follows another one: Traefik for 2 s, ours for up to 2.4.
CALM_SECONDS = 3.0
STANDING = "standing"
# The folder of the engine's socket.
ENGINE = "/var/run"
DEADLINE_SECONDS = 60.0
# Finer than what is measured, and no load.
PAUSE_SECONDS = 0.005


class Watch(threading.Thread):
    """Notes when a look is true for the first time, on the clock of Docker's events."""

    def __init__(self, look: Callable[[], bool]) -> None:
        """Look from now on."""
        super().__init__(daemon=True)
        self.at: float | None = None
        self._look = look
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        """Look again and again, until it is true or nobody waits any more."""
        while not self._ended.wait(PAUSE_SECONDS):
            # A balancer that is being reconfigured may close a connection.
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._look():
                    self.at = time.time()
                    return

    def result(self, deadline: float) -> float | None:
        """When it was true; None where it never was up to this moment of the monotonic clock."""
        self.join(max(0.0, deadline - time.monotonic()))
        self._ended.set()
        self.join()
        return self.at


@contextlib.contextmanager
def backend(folder: pathlib.Path, name: str, port: int) -> Iterator[str]:
    """A container that Registrator reports at this port of loopback; its name."""
    environment = (f"SERVICE_NAME={SERVICE}", *CHECK)
    said = tuple(word for each in environment for word in ("-e", each))
    options = ("-p", f"{LOCAL}:{port}:80", "--hostname", name, *said)
    with nginx(name, BACKEND, folder, network="bridge", options=options) as full:
        yield full


@contextlib.contextmanager
def registrator(agent: Agent, sockets: str, token: tuple[str, ...] = ()) -> Iterator[None]:
    """Registrator, with the folder that has the engine's socket, or what stands before it."""
    options = (
        "-v",
        f"{sockets}:/run/engine:ro",
        "-e",
        "DOCKER_HOST=unix:///run/engine/docker.sock",
    )
    words = ("-explicit", "-ip", LOCAL, f"consul://{LOCAL}:{agent.port}")
    with container("registrator", REGISTRATOR, *words, options=(*options, *token)):
        yield


@contextlib.contextmanager
def standing(agent: Agent, folder: pathlib.Path) -> Iterator[None]:
    """A backend that is there when the first one starts, and stays."""
    (port,) = free_ports(1)
    with backend(folder, STANDING, port):
        eventually("a first instance", lambda: passing(health(agent), port))
        yield


def passing(catalog: Page, port: int) -> bool:
    """Whether Consul knows an instance there as well."""
    return any(entry["Service"]["Port"] == port for entry in json.loads(catalog.text()))


def health(agent: Agent) -> Page:
    """What the agent says of the service."""
    return Page(agent.port, f"/v1/health/service/{SERVICE}?passing", agent.token)


def start(
    agent: Agent, balancer: Balancer, folder: pathlib.Path, name: str, whose: str
) -> tuple[float, ...]:
    """Start a backend, and remove it once it is routed to; milliseconds by hop.

    SystemExit, which tells `whose` turn it is, where a hop is missing or makes no sense.
    """
    (port,) = free_ports(1)
    catalog, page = health(agent), Page(balancer.port)
    began, deadline = time.time(), time.monotonic() + DEADLINE_SECONDS
    watches = (
        Watch(lambda: passing(catalog, port)),
        Watch(lambda: balancer.has(f"{LOCAL}:{port}")),
        Watch(lambda: page.text() == name),
    )
    with backend(folder, name, port) as full:
        # At once: the engine remembers its last 256 events.
        window = (f"--since={began:.3f}", f"--until={time.time():.3f}")
        which = ("--filter", f"container={full}", "--filter", "event=start")
        told = docker("events", *window, *which, "--format", "{{.TimeNano}}")
        seen = [watch.result(deadline) for watch in watches]
    eventually("the backend has left Consul", lambda: not passing(catalog, port))
    try:
        return hops(int(told) / 1e9, seen)
    except ValueError as error:
        raise SystemExit(f"{whose}, {name}: {error}") from None


def run_route(turns: int, starts: int) -> None:
    """Each in turns over the same Consul, Registrator and backends, and what ours takes of it."""
    traefik_program()
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in CONTENDERS}
    with consul() as (agent, folder), contextlib.ExitStack() as stack:
        stack.enter_context(registrator(agent, ENGINE))
        stack.enter_context(standing(agent, folder))
        moments = phases(turns * starts, POLL_SECONDS)
        for turn, name in in_turns(CONTENDERS, turns):
            mine = moments[turn * starts : (turn + 1) * starts]
            found[name] += measure(name, agent, folder, mine)
    print(f"{turns * starts} starts each, in {turns} turns; after Docker's own start event")
    print(*table(list(found), rows(found)), sep="\n")


def measure(
    name: str, agent: Agent, folder: pathlib.Path, moments: Sequence[float]
) -> list[tuple[float, ...]]:
    """A contender's turn: a backend at each of these moments of the poll's period."""
    found = []
    with CONTENDERS[name](agent) as balancer:
        ready(balancer.port, STANDING)
        began = time.monotonic()
        for number, phase in enumerate(moments):
            now = time.monotonic() - began
            time.sleep(due(phase, POLL_SECONDS, now + CALM_SECONDS) - now)
            found.append(start(agent, balancer, folder, f"start-{number}", name))
    return found
