"""The traffic: an open loop that sends each request on time, whatever became of those before.

Request n is due at start + n / rate, and its latency counts from there, also while it waits for
a connection, for the server, or for this program. A client that waits for one response before it
sends the next would be slowed down by the outage it measures, and report few slow requests
instead of many: "coordinated omission", as the README of wrk2 (github.com/giltene/wrk2) names
and explains it. No request is ever repeated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from ..history.clock import Clock
from ..history.records import Failure, Request
from ..history.settings import Settings
from .credentials import trust
from .http_client import ConnectionPool, Endpoint, HttpRequest, HttpResponse, RequestFailed

_KEPT_CONNECTIONS = 16
# A request that this program sends later than this says nothing about the service.
_LATE_SECONDS = 1.0
# The longest time until a stop is noticed.
_LONGEST_SLEEP_SECONDS = 0.2
_BODY = b"rollcall drill\n"
# Multiples of these, modulo 1, fill the square evenly (Weyl): POSTs are neither always nor never
# on new connections, and every stretch of requests has about the shares that were asked for.
_GOLDEN = (5**0.5 - 1) / 2
_SILVER = 2**0.5 - 1


class Probe:
    """Sends requests until stopped, and passes each to `log` when it is over."""

    def __init__(
        self, settings: Settings, endpoint: Endpoint, clock: Clock, log: Callable[[Request], None]
    ) -> None:
        """Nothing is sent before `run`."""
        self._settings = settings
        self._clock = clock
        self._log = log
        self._instance = re.compile(settings.instance_pattern)
        self._get = HttpRequest.build("GET", endpoint.authority, endpoint.path)
        self._post = HttpRequest.build("POST", endpoint.authority, endpoint.path, _BODY)
        self._pool = ConnectionPool(endpoint, _KEPT_CONNECTIONS, trust=trust([settings.url]))

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then wait for requests under way, `timeout` s at most."""
        in_flight: set[asyncio.Task[None]] = set()
        start, n = self._clock.now(), 0
        while not stop.is_set():
            due = start + n / self._settings.rate
            wait = due - self._clock.now()
            if wait > 0:
                await asyncio.sleep(min(wait, _LONGEST_SLEEP_SECONDS))
                continue
            task = asyncio.create_task(self._send(n, due))
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)
            n += 1
        if in_flight:
            await asyncio.wait(in_flight)
        self._pool.close()

    async def _send(self, n: int, due: float) -> None:
        """Send one request and log it."""
        settings = self._settings
        method = "POST" if is_post(n, settings.post) else "GET"
        fresh = is_fresh(n, settings.fresh)
        response: HttpResponse | None = None
        error: Failure | None = None
        begun = self._clock.now()
        if begun - due > min(_LATE_SECONDS, settings.timeout):
            error = Failure.LATE
        else:
            request = self._post if method == "POST" else self._get
            try:
                async with asyncio.timeout(settings.timeout - (begun - due)):
                    response = await self._pool.send(request, fresh=fresh)
            except RequestFailed as failure:
                error = failure.kind
            except TimeoutError:
                error = Failure.TIMEOUT
        latency = self._clock.now() - due
        if response is not None and not 200 <= response.status < 300:
            error = Failure.BAD_STATUS
        elif response is not None and latency > settings.timeout:
            error = Failure.TIMEOUT
        self._log(
            Request(
                n,
                due,
                latency,
                method,
                fresh,
                None if response is None else response.status,
                error,
                None if response is None else self._instance_of(response),
                None if response is None else _backend(response),
            )
        )

    def _instance_of(self, response: HttpResponse) -> str | None:
        """The instance that sent the response, by its body."""
        found = self._instance.search(response.body.decode(errors="replace"))
        return found[1] if found else None


def _backend(response: HttpResponse) -> str | None:
    """The balancer's own list of the attempts it made."""
    value = response.headers.get(b"x-backend")
    return None if value is None else value.decode("latin-1")


def is_post(n: int, share: float) -> bool:
    """Whether request number `n` is a POST, where `share` of all are."""
    return n * _SILVER % 1 < share


def is_fresh(n: int, share: float) -> bool:
    """Whether request number `n` gets a connection of its own, where `share` of all do."""
    return n * _GOLDEN % 1 < share
