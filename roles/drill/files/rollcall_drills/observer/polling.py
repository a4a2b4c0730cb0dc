"""Polling at a pace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from .http_client import Answer, NoAnswer, Pool, Question, Untrusted

_ANSWER_SECONDS = 1.0


async def attempt(pool: Pool, question: Question) -> Answer | None:
    """The answer, None where there is none within a second; Untrusted where nobody may be asked."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await pool.ask(question)
    except Untrusted:
        raise
    except (NoAnswer, TimeoutError):
        return None


async def every(
    seconds: float, poll: Callable[[], Awaitable[None]], nudge: asyncio.Event | None = None
) -> None:
    """Poll at this pace, and at once when nudged; a poll that takes longer delays the next."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await poll()
        due = max(due + seconds, loop.time())
        if nudge is None:
            await asyncio.sleep(due - loop.time())
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await nudge.wait()
            nudge.clear()
