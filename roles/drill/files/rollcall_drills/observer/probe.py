"""The traffic: an open loop that asks on time, whatever became of the questions before.

Request n is due at start + n / rate, and its latency counts from there, also while it waits for
a connection, for the server, or for this program. A client that waits for one answer before it
asks again would be slowed down by the very outage it measures and report few slow requests
instead of many: "coordinated omission", as the README of wrk2 (github.com/giltene/wrk2) names
and explains it. Nothing is ever asked twice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from ..history.clock import Clock
from ..history.records import Failure, Request
from ..history.settings import Settings
from .credentials import trust
from .http_client import Answer, NoAnswer, Place, Pool, Question

_KEPT_CONNECTIONS = 16
# A request that this program cannot send for so long says nothing about the service any more.
_LATE_SECONDS = 1.0
# Being told to stop is noticed after this at the latest.
_LONGEST_SLEEP_SECONDS = 0.2
_BODY = b"rollcall drill\n"
# Multiples of these, modulo 1, fill the square evenly (Weyl): POSTs are neither always nor never
# on new connections, and every stretch of requests has about the shares that were asked for.
_GOLDEN = (5**0.5 - 1) / 2
_SILVER = 2**0.5 - 1


class Probe:
    """Asks until told to stop, and hands every request to `log` when it is over."""

    def __init__(
        self, settings: Settings, place: Place, clock: Clock, log: Callable[[Request], None]
    ) -> None:
        """Nothing is sent before `run`."""
        self._settings = settings
        self._clock = clock
        self._log = log
        self._instance = re.compile(settings.instance_pattern)
        self._get = Question.of("GET", place.authority, place.path)
        self._post = Question.of("POST", place.authority, place.path, _BODY)
        self._pool = Pool(place, _KEPT_CONNECTIONS, trust=trust([settings.url]))

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop` is set, then wait for what is under way: `timeout` s at the most."""
        under_way: set[asyncio.Task[None]] = set()
        start, n = self._clock.now(), 0
        while not stop.is_set():
            due = start + n / self._settings.rate
            wait = due - self._clock.now()
            if wait > 0:
                await asyncio.sleep(min(wait, _LONGEST_SLEEP_SECONDS))
                continue
            task = asyncio.create_task(self._one(n, due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            n += 1
        if under_way:
            await asyncio.wait(under_way)
        self._pool.close()

    async def _one(self, n: int, due: float) -> None:
        """Ask once and log it."""
        settings = self._settings
        method = "POST" if is_post(n, settings.post) else "GET"
        fresh = is_fresh(n, settings.fresh)
        answer: Answer | None = None
        error: Failure | None = None
        begun = self._clock.now()
        if begun - due > min(_LATE_SECONDS, settings.timeout):
            error = Failure.LATE
        else:
            question = self._post if method == "POST" else self._get
            try:
                async with asyncio.timeout(settings.timeout - (begun - due)):
                    answer = await self._pool.ask(question, fresh=fresh)
            except NoAnswer as no_answer:
                error = no_answer.kind
            except TimeoutError:
                error = Failure.TIMEOUT
        latency = self._clock.now() - due
        if answer is not None and not 200 <= answer.status < 300:
            error = Failure.BAD_STATUS
        elif answer is not None and latency > settings.timeout:
            error = Failure.TIMEOUT
        self._log(
            Request(
                n,
                due,
                latency,
                method,
                fresh,
                None if answer is None else answer.status,
                error,
                None if answer is None else self._who(answer),
                None if answer is None else _backend(answer),
            )
        )

    def _who(self, answer: Answer) -> str | None:
        """Whose answer it is, as its body says."""
        found = self._instance.search(answer.body.decode(errors="replace"))
        return found[1] if found else None


def _backend(answer: Answer) -> str | None:
    """The balancer's own list of the attempts it made."""
    value = answer.headers.get(b"x-backend")
    return None if value is None else value.decode("latin-1")


def is_post(n: int, share: float) -> bool:
    """Whether request number `n` is a POST, where `share` of all are."""
    return n * _SILVER % 1 < share


def is_fresh(n: int, share: float) -> bool:
    """Whether request number `n` gets a connection of its own, where `share` of all do."""
    return n * _GOLDEN % 1 < share
