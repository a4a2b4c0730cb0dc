"""Watches one Consul agent or one balancer and emits what changed, outages included."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import quote

from ..history.clock import Clock
from ..history.records import (
    Distrusted,
    Event,
    LeaderEvent,
    MembersEvent,
    MetricsEvent,
    PassingEvent,
    RaftEvent,
    Refusal,
    Refused,
)
from . import consul_answers
from .http_client import ConnectionPool, Endpoint, HttpRequest, HttpResponse, UntrustedPeer
from .polling import poll_every, try_request

Value = TypeVar("Value")
Emit = Callable[[Event], None]

_LEADER_SECONDS = 0.1
_RAFT_SECONDS = 0.5
_MEMBERS_SECONDS = 0.5
_PASSING_SECONDS = 0.25
_METRICS_SECONDS = 0.5
# An agent without a leader holds a read for up to 7 s, also when its client has hung up: 20 reads
# per second make 140 connections then, and an agent allows one address 200.
_READ_SECONDS = 0.05
_READ_PATH = "/v1/kv/rollcall/drill?consistent"
_KEPT_CONNECTIONS = 8
# Thousands of instances fit.
_BODY_BYTES = 16 * 1024 * 1024
# Consul's header on a list that it filtered by the token's rights.
_FILTERED = b"x-consul-results-filtered-by-acls"
# Consul's message in a 403 for a token that does not exist.
_NO_SUCH_TOKEN = b"ACL not found"


class _Client:
    """Requests from one endpoint; a bad certificate is emitted once, and counts as no answer."""

    def __init__(
        self, url: str, connections: int, trust: ssl.SSLContext | None, clock: Clock, emit: Emit
    ) -> None:
        """Resolve the name; OSError where it has no address."""
        self.endpoint = Endpoint.from_url(url)
        self._url = url
        self._clock = clock
        self._emit = emit
        self._pool = ConnectionPool(self.endpoint, connections, _BODY_BYTES, trust)
        self._distrusted = False

    async def get(self, request: HttpRequest) -> HttpResponse | None:
        """The answer, None where there is none within a second."""
        try:
            return await try_request(self._pool, request)
        except UntrustedPeer as untrusted:
            if not self._distrusted:
                self._distrusted = True
                self._emit(Distrusted(self._clock.now(), self._url, str(untrusted)))
            return None

    def close(self) -> None:
        """Close what is idle."""
        self._pool.close()


class AgentWatch:
    """Polls one agent for its leader, its term, its members, its instances, and a read.

    `answered` gets the time of each consistent read that a leader answered. An agent that does
    not answer in a second, or answers with an error, is recorded as silent.
    """

    def __init__(
        self,
        url: str,
        service: str,
        token: str,
        clock: Clock,
        emit: Emit,
        answered: Callable[[float], None],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Resolve the agent's name; OSError where it has no address."""
        self._client = _Client(url, _KEPT_CONNECTIONS, trust, clock, emit)
        self._url = url
        self._clock = clock
        self._emit = emit
        self._answered = answered
        self._last: dict[type[Event], Any] = {}
        self._refused: set[str] = set()
        self._leader_changed = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        headers = {"X-Consul-Token": token} if token else {}
        healthy = f"/v1/health/service/{quote(service, safe='')}?passing&stale"
        self._requests = {
            path: HttpRequest.build("GET", self._client.endpoint.authority, path, headers=headers)
            for path in (
                *("/v1/status/leader", "/v1/agent/self", "/v1/agent/members"),
                *(healthy, _READ_PATH),
            )
        }
        self._healthy = healthy

    def watchers(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines that poll, each without an end."""
        return [
            poll_every(_LEADER_SECONDS, self._leader),
            poll_every(_RAFT_SECONDS, self._raft, self._leader_changed),
            poll_every(_MEMBERS_SECONDS, self._members),
            poll_every(_PASSING_SECONDS, self._passing),
            poll_every(_READ_SECONDS, self._begin_read),
        ]

    async def close(self) -> None:
        """Cancel the requests under way."""
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        self._client.close()

    async def _leader(self) -> None:
        seen = await self._fetch("/v1/status/leader", consul_answers.leader)
        if self._last.get(LeaderEvent, seen) != seen:
            self._leader_changed.set()
        self._emit_if_changed(LeaderEvent(self._clock.now(), self._url, seen), seen)

    async def _raft(self) -> None:
        seen = await self._fetch("/v1/agent/self", consul_answers.self_)
        fields = dataclasses.asdict(seen) if seen else {}
        self._emit_if_changed(RaftEvent(self._clock.now(), self._url, **fields), seen)

    async def _members(self) -> None:
        seen = await self._fetch("/v1/agent/members", consul_answers.members)
        self._emit_if_changed(MembersEvent(self._clock.now(), self._url, seen), seen)

    async def _passing(self) -> None:
        seen = await self._fetch(self._healthy, consul_answers.passing)
        self._emit_if_changed(PassingEvent(self._clock.now(), self._url, seen), seen)

    async def _begin_read(self) -> None:
        """An open loop: a read that hangs delays no other."""
        task = asyncio.create_task(self._read())
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _read(self) -> None:
        answer = await self._client.get(self._requests[_READ_PATH])
        # 404 is a leader's answer too: there is no such key.
        if answer is not None and answer.status in (200, 404):
            self._answered(self._clock.now())
        elif answer is not None:
            self._check_refusal(_READ_PATH, answer)

    async def _fetch(self, path: str, parse: Callable[[Any], Value]) -> Value | None:
        """The parsed answer of the agent, None where it is silent."""
        answer = await self._client.get(self._requests[path])
        if answer is None or self._check_refusal(path, answer) or answer.status != 200:
            return None
        try:
            return parse(json.loads(answer.body))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _emit_if_changed(self, event: Event, content: Any) -> None:
        """Emit the event unless its content is that of the last one."""
        if type(event) not in self._last or self._last[type(event)] != content:
            self._last[type(event)] = content
            self._emit(event)

    def _check_refusal(self, path: str, answer: HttpResponse) -> bool:
        """Whether the agent refuses or filters this path; the event is emitted once."""
        why = _refusal(answer)
        if why is not None and path not in self._refused:
            self._refused.add(path)
            self._emit(Refused(self._clock.now(), self._url, path, why))
        return why is not None


class MetricsWatch:
    """Polls the metrics of the balancer."""

    def __init__(
        self, url: str, clock: Clock, emit: Emit, trust: ssl.SSLContext | None = None
    ) -> None:
        """Resolve the balancer's name; OSError where it has no address."""
        self._client = _Client(url, 1, trust, clock, emit)
        self._clock = clock
        self._emit = emit
        endpoint = self._client.endpoint
        self._request = HttpRequest.build("GET", endpoint.authority, endpoint.path)
        self._last: dict[str, float] | None = {}

    def watchers(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines that poll, each without an end."""
        return [poll_every(_METRICS_SECONDS, self._metrics)]

    async def close(self) -> None:
        """Close what is open."""
        self._client.close()

    async def _metrics(self) -> None:
        answer = await self._client.get(self._request)
        seen = None
        if answer is not None and answer.status == 200:
            seen = consul_answers.metrics(answer.body.decode(errors="replace"))
        last, self._last = self._last, seen
        if seen is None:
            if last is not None:
                self._emit(MetricsEvent(self._clock.now(), None))
            return
        new = {key: value for key, value in seen.items() if (last or {}).get(key) != value}
        if new:
            self._emit(MetricsEvent(self._clock.now(), new))


def _refusal(answer: HttpResponse) -> Refusal | None:
    """Why the agent refuses or filters the answer, None where it does not."""
    if answer.status == 403:
        return Refusal.UNKNOWN if _NO_SUCH_TOKEN in answer.body else Refusal.FORBIDDEN
    return Refusal.FILTERED if answer.headers.get(_FILTERED) == b"true" else None
