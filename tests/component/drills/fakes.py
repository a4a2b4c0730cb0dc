"""A page and a Consul agent on loopback, in a thread of their own, that break when told to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from rollcall_agents.polling import eventually

# What a server does with a request: an answer's bytes, or one of the actions below.
Action = bytes | Callable[["Wire"], None]


def answer(
    body: str = "Hello World! I'm host-1 addr:127.0.0.1.",
    status: str = "200 OK",
    headers: dict[str, str] | None = None,
) -> bytes:
    """A whole answer that leaves the connection open."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def page(asked: Asked) -> bytes:
    """Two hosts answer in turn."""
    host = 1 + asked.connection % 2
    return answer(f"I'm host-{host} addr", headers={"X-Backend": f"127.0.0.{host}:80"})


def close(wire: Wire) -> None:
    """Close in order, without an answer."""
    wire.transport.close()


def reset(wire: Wire) -> None:
    """Close with an RST."""
    sock = wire.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.transport.abort()


def hang(wire: Wire) -> None:
    """Say nothing."""


def after(seconds: float, action: Action) -> Action:
    """Do it later."""

    def later(wire: Wire) -> None:
        asyncio.get_running_loop().call_later(seconds, wire.act, action)

    return later


def stall(seconds: float, action: Action) -> Action:
    """Stop the whole server, and then do it."""

    def stalled(wire: Wire) -> None:
        time.sleep(seconds)
        wire.act(action)

    return stalled


@dataclasses.dataclass
class Asked:
    """One request as the server got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float


@dataclasses.dataclass
class Fake:
    """A server: `respond` gets each request and says what to do with it."""

    respond: Callable[[Asked], Action]
    greet: Action | None = None
    url: str = ""
    asked: list[Asked] = dataclasses.field(default_factory=list)
    wires: list[Wire] = dataclasses.field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None

    def serve(self, more: int) -> None:
        """Wait until it was asked so many times more."""
        wanted = len(self.asked) + more
        eventually(f"{more} more requests", lambda: len(self.asked) >= wanted)

    def close_idle(self) -> None:
        """Close all connections, as a server does with idle ones."""
        assert self.loop is not None
        for wire in self.wires:
            self.loop.call_soon_threadsafe(wire.transport.close)


class Wire(asyncio.Protocol):
    """One connection of a fake."""

    transport: asyncio.Transport

    def __init__(self, fake: Fake) -> None:
        """Nothing came yet."""
        self.fake = fake
        self.number = 0
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.number = len(self.fake.wires)
        self.fake.wires.append(self)
        if self.fake.greet is not None:
            self.act(self.fake.greet)

    def data_received(self, data: bytes) -> None:
        """A request, or a part of it."""
        self.buffer += data
        head, blank, rest = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, _version = first.split(" ")
        asked = Asked(method, path, headers, rest[:length], self.number, time.monotonic())
        self.fake.asked.append(asked)
        self.act(self.fake.respond(asked))

    @property
    def closed(self) -> bool:
        """Whether the other side has been sent the end."""
        return bool(self.transport.get_extra_info("socket").fileno() == -1)

    def act(self, action: Action) -> None:
        """Answer, or misbehave."""
        if isinstance(action, bytes):
            self.transport.write(action)
        else:
            action(self)


@contextlib.contextmanager
def serving(
    respond: Callable[[Asked], Action],
    port: int = 0,
    greet: Action | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Fake]:
    """A fake that serves while the block runs; `greet` is done before anything is asked.

    It speaks TLS where it has a certificate to show.
    """
    fake = Fake(respond, greet)
    ready = threading.Event()

    async def serve(done: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Wire(fake), "127.0.0.1", port, reuse_address=True, backlog=1024, ssl=tls
        )
        fake.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await done
        # Who was accepted a moment ago becomes a wire with the loop's next turns, and must find the
        # server open.
        for listening in server.sockets:
            loop.remove_reader(listening.fileno())
        await asyncio.sleep(0.01)
        server.close()
        for wire in fake.wires:
            wire.transport.abort()
        await asyncio.sleep(0.01)

    def run() -> None:
        async def main() -> None:
            fake.loop = asyncio.get_running_loop()
            futures.append(fake.loop.create_future())
            await serve(futures[0])

        asyncio.run(main())

    futures: list[asyncio.Future[None]] = []
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5), "the fake does not start"
    try:
        yield fake
    finally:
        assert fake.loop is not None
        fake.loop.call_soon_threadsafe(futures[0].set_result, None)
        thread.join(5)


@dataclasses.dataclass
class Cluster:
    """What a fake Consul agent says."""

    node: str = "host-1"
    address: str = "127.0.0.1"
    leader: str = "127.0.0.1:8300"
    term: int = 2
    state: str = "Leader"
    passing: list[tuple[str, str, int]] = dataclasses.field(
        default_factory=lambda: [("host-1", "127.0.0.1", 8001), ("host-2", "127.0.0.2", 8002)]
    )
    members: dict[str, int] = dataclasses.field(
        default_factory=lambda: {"host-1": 1, "host-2": 1, "host-3": 1}
    )
    reads: str = "404 Not Found"
    silent: bool = False
    forbidden: tuple[str, ...] = ()
    refusal: str = "Permission denied: token lacks permission"
    filtered: tuple[str, ...] = ()

    def respond(self, asked: Asked) -> Action:
        """The agent's API, as far as a drill asks it."""
        if self.silent:
            return hang
        if asked.path.startswith(self.forbidden) and self.forbidden:
            return answer(self.refusal, "403 Forbidden")
        if asked.path.startswith(self.filtered) and self.filtered:
            return answer("[]", headers={"X-Consul-Results-Filtered-By-ACLs": "true"})
        if asked.path.startswith("/v1/kv/"):
            return answer("", self.reads)
        return answer(json.dumps(self.document(asked.path)))

    def document(self, path: str) -> Any:
        """The answer to a path."""
        if path == "/v1/status/leader":
            return self.leader
        if path == "/v1/agent/self":
            raft = {"term": str(self.term), "state": self.state}
            return {
                "Config": {"NodeName": self.node, "Version": "1.22.7"},
                "Member": {"Addr": self.address},
                "Stats": {"raft": raft},
            }
        if path == "/v1/agent/members":
            return [
                {"Name": name, "Status": status, "Addr": f"127.0.0.{name[-1]}"}
                for name, status in self.members.items()
            ]
        return [
            {
                "Node": {"Node": node, "Address": address},
                "Service": {"ID": f"{node}:web:80", "Address": "", "Port": port, "Tags": None},
            }
            for node, address, port in self.passing
        ]
