"""Where a URL leads, and the connections of a pool, one question after the other."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from rollcall_agents.polling import eventually
from rollcall_drills.history.records import Failure
from rollcall_drills.observer.http_client import (
    ConnectionPool,
    Endpoint,
    HttpRequest,
    RequestFailed,
)

from . import fakes
from .fakes import Action, Asked, answer, serving


def test_of_several_addresses_the_one_that_accepts_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`localhost` may be ::1 first, where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        resolve = socket.getaddrinfo

        def both(host: str, *words: Any, **options: Any) -> Any:
            if host != "somewhere":
                return resolve(host, *words, **options)
            return [(2, 1, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert Endpoint.from_url(f"http://somewhere:{port}/").host == "127.0.0.1"


def test_a_name_without_an_address_is_told() -> None:
    """Which name it was."""
    with pytest.raises(OSError, match=r"nowhere\.invalid has no address"):
        Endpoint.from_url("http://nowhere.invalid/")


async def ask(pool: ConnectionPool, *fresh: bool) -> None:
    """Ask once for each word, on a kept connection or on a fresh one."""
    for each in fresh:
        await pool.send(HttpRequest.build("GET", "somewhere", "/"), fresh=each)


def test_kept_connections_are_used_in_turn() -> None:
    """As many as the pool keeps; a fresh one is for its question alone."""

    async def talk(url: str) -> None:
        pool = ConnectionPool(Endpoint.from_url(url), 2)
        await ask(pool, False, False, True, False, False, True, False)
        pool.close()

    with serving(lambda asked: answer()) as server:
        asyncio.run(talk(server.url))
        assert [one.connection for one in server.asked] == [0, 1, 2, 0, 1, 3, 0]


def test_a_connection_closed_while_idle_is_not_used_again() -> None:
    """A close that came between two questions fails none of them."""

    async def talk(server: fakes.Fake) -> None:
        pool = ConnectionPool(Endpoint.from_url(server.url), 2)
        await ask(pool, False, False)
        server.close_idle()
        eventually("both are closed", lambda: all(wire.closed for wire in server.wires))
        # The end of each is here already: the loop has to look once.
        await asyncio.sleep(0.01)
        await ask(pool, False, False, False)
        pool.close()

    with serving(lambda asked: answer()) as server:
        asyncio.run(talk(server))
        assert [one.connection for one in server.asked] == [0, 1, 2, 3, 2]


def test_a_kept_connection_that_breaks_under_a_request_is_a_failure() -> None:
    """The second question on a kept connection meets its close: it fails, and is not repeated."""

    async def talk(url: str) -> None:
        pool = ConnectionPool(Endpoint.from_url(url), 1)
        await ask(pool, False)
        with pytest.raises(RequestFailed) as failure:
            await ask(pool, False)
        assert failure.value.kind is Failure.CLOSED
        await ask(pool, False)
        pool.close()

    def respond(asked: Asked) -> Action:
        return fakes.close if len(server.asked) == 2 else answer()

    with serving(respond) as server:
        asyncio.run(talk(server.url))
        assert [one.connection for one in server.asked] == [0, 0, 1]
