"""Polling at a fixed interval."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from .http_client import ConnectionPool, HttpRequest, HttpResponse, RequestFailed, UntrustedPeer

_ANSWER_SECONDS = 1.0


async def try_request(pool: ConnectionPool, request: HttpRequest) -> HttpResponse | None:
    """The response, None without one within a second; UntrustedPeer for a bad certificate."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await pool.send(request)
    except UntrustedPeer:
        raise
    except (RequestFailed, TimeoutError):
        return None


async def poll_every(
    seconds: float, poll: Callable[[], Awaitable[None]], wake: asyncio.Event | None = None
) -> None:
    """Poll at this interval, and at once after `wake`; a poll that takes longer delays the next."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await poll()
        due = max(due + seconds, loop.time())
        if wake is None:
            await asyncio.sleep(due - loop.time())
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await wake.wait()
            wake.clear()
