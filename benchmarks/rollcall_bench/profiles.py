"""The cost of security for a new backend: from its start to the first routed answer."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterator

from rollcall_agents.agent import LOCAL, Agent
from rollcall_agents.clusters import client, joining, running, server
from rollcall_agents.polling import eventually
from rollcall_agents.secure_cluster import ONE, PLACES, SERVER, TWO, plain, secure_cluster

from .balancers import Balancer, ours, ready
from .catalogue import scratch
from .containers import SOCKET_PROXY, container, with_token
from .figures.hops import rows
from .figures.table import in_pairs, in_turns, table
from .route import CALM_SECONDS, ENGINE, STANDING, registrator, standing, start

Stack = Callable[[pathlib.Path], contextlib.AbstractContextManager[tuple[Agent, Balancer]]]


@contextlib.contextmanager
def open_stack(folder: pathlib.Path) -> Iterator[tuple[Agent, Balancer]]:
    """A server and two clients that hide nothing; Registrator and balancer ask one of these."""
    first = server(SERVER, folder, "-bootstrap-expect=1", address=PLACES[SERVER])
    join = joining(first.gossip)
    found, other = (client(node, folder, *join, address=PLACES[node]) for node in (ONE, TWO))
    # The place for others, and loopback as in the roles.
    agent = dataclasses.replace(found, arguments=(*found.arguments, f"-client={LOCAL}"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(first, agent, other))
        asked = dataclasses.replace(agent, address=LOCAL)
        eventually("a leader", lambda: asked.get("/v1/status/leader"))
        stack.enter_context(registrator(asked, ENGINE))
        stack.enter_context(standing(asked, folder))
        yield asked, stack.enter_context(ours(asked))


@contextlib.contextmanager
def secure_stack(folder: pathlib.Path) -> Iterator[tuple[Agent, Balancer]]:
    """The same as the roles make it in the secure profile, the Docker socket proxy included."""
    with secure_cluster(folder) as cluster, contextlib.ExitStack() as stack:
        asked = plain(cluster.agents[ONE])
        token = with_token(folder, cluster.secrets.token("registrator-host-1"))
        stack.enter_context(registrator(asked, stack.enter_context(socket_proxy(folder)), token))
        stack.enter_context(standing(asked, folder))
        balancing = ours(asked, cluster.secrets.token("nginx-lb"))
        yield asked, stack.enter_context(balancing)


@contextlib.contextmanager
def socket_proxy(folder: pathlib.Path) -> Iterator[str]:
    """The Docker socket proxy, as the role runs it; the folder with its socket."""
    sockets = folder / "socket-proxy"
    sockets.mkdir()
    options = (
        *("-e", "SOCKET_PROXY_LISTEN=/run/docker-socket-proxy/docker.sock"),
        *("-e", "SOCKET_PROXY_ENGINE=/run/docker-host/docker.sock"),
        *("-v", f"{ENGINE}:/run/docker-host:ro", "-v", f"{sockets}:/run/docker-socket-proxy"),
    )
    with container("socket-proxy", SOCKET_PROXY, network="none", options=options):
        eventually("the socket proxy", (sockets / "docker.sock").exists)
        yield str(sockets)


STACKS: dict[str, Stack] = {"secure": secure_stack, "open": open_stack}


def run_profiles(turns: int, starts: int) -> None:
    """Each profile in turns on a cluster of its own, and what the secure takes of the open one."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in STACKS}
    for _turn, name in in_turns(STACKS, turns):
        found[name] += measure(name, starts)
    print(f"{turns * starts} starts each, in {turns} turns; after Docker's own start event")
    print(*table(list(found), rows(found)), sep="\n")
    routed = ([hops[-1] for hops in found[name]] for name in STACKS)
    print(f"first answer routed to it, secure / open: {in_pairs(*routed)}")


def measure(name: str, starts: int) -> list[tuple[float, ...]]:
    """One turn of a profile."""
    found = []
    with scratch() as folder, STACKS[name](folder) as (agent, balancer):
        ready(balancer.port, STANDING)
        for number in range(starts):
            time.sleep(CALM_SECONDS)
            found.append(start(agent, balancer, folder, f"start-{number}", name))
    return found
