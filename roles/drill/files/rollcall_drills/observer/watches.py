"""One Consul agent and one balancer, watched: what changed is told, silence included."""

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
    LeaderSeen,
    MembersSeen,
    MetricsSeen,
    PassingSeen,
    RaftSeen,
    Refusal,
    Refused,
)
from . import consul_answers
from .http_client import Answer, Place, Pool, Question, Untrusted
from .polling import attempt, every

Value = TypeVar("Value")
Tell = Callable[[Event], None]

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
# Consul's mark on a list that lacks what the token may not see.
_FILTERED = b"x-consul-results-filtered-by-acls"
# Consul's own words in a 403 to a token that nobody made, or that is no more.
_NO_SUCH_TOKEN = b"ACL not found"


class _Asking:
    """Asks at one place; that it cannot be trusted is told once, and is silence then."""

    def __init__(
        self, url: str, connections: int, trust: ssl.SSLContext | None, clock: Clock, tell: Tell
    ) -> None:
        """Resolve the name; OSError where it has no address."""
        self.place = Place.of(url)
        self._url = url
        self._clock = clock
        self._tell = tell
        self._pool = Pool(self.place, connections, _BODY_BYTES, trust)
        self._distrusted = False

    async def ask(self, question: Question) -> Answer | None:
        """The answer, None where there is none within a second."""
        try:
            return await attempt(self._pool, question)
        except Untrusted as untrusted:
            if not self._distrusted:
                self._distrusted = True
                self._tell(Distrusted(self._clock.now(), self._url, str(untrusted)))
            return None

    def close(self) -> None:
        """Close what is idle."""
        self._pool.close()


class AgentWatch:
    """Asks one agent for its leader, its term, its members, its instances, and for a read.

    `answered` is told the time of each consistent read that a leader answered. An agent that
    does not answer in a second, or answers with an error, is silent.
    """

    def __init__(
        self,
        url: str,
        service: str,
        token: str,
        clock: Clock,
        tell: Tell,
        answered: Callable[[float], None],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Resolve the agent's name; OSError where it has no address."""
        self._asking = _Asking(url, _KEPT_CONNECTIONS, trust, clock, tell)
        self._url = url
        self._clock = clock
        self._tell = tell
        self._answered = answered
        self._told: dict[type[Event], Any] = {}
        self._refused: set[str] = set()
        self._leader_changed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        headers = {"X-Consul-Token": token} if token else {}
        healthy = f"/v1/health/service/{quote(service, safe='')}?passing&stale"
        self._questions = {
            path: Question.of("GET", self._asking.place.authority, path, headers=headers)
            for path in (
                *("/v1/status/leader", "/v1/agent/self", "/v1/agent/members"),
                *(healthy, _READ_PATH),
            )
        }
        self._healthy = healthy

    def watchers(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side, without an end."""
        return [
            every(_LEADER_SECONDS, self._leader),
            every(_RAFT_SECONDS, self._raft, self._leader_changed),
            every(_MEMBERS_SECONDS, self._members),
            every(_PASSING_SECONDS, self._passing),
            every(_READ_SECONDS, self._begin_read),
        ]

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._asking.close()

    async def _leader(self) -> None:
        seen = await self._ask("/v1/status/leader", consul_answers.leader)
        if self._told.get(LeaderSeen, seen) != seen:
            self._leader_changed.set()
        self._news(LeaderSeen(self._clock.now(), self._url, seen), seen)

    async def _raft(self) -> None:
        seen = await self._ask("/v1/agent/self", consul_answers.self_)
        fields = dataclasses.asdict(seen) if seen else {}
        self._news(RaftSeen(self._clock.now(), self._url, **fields), seen)

    async def _members(self) -> None:
        seen = await self._ask("/v1/agent/members", consul_answers.members)
        self._news(MembersSeen(self._clock.now(), self._url, seen), seen)

    async def _passing(self) -> None:
        seen = await self._ask(self._healthy, consul_answers.passing)
        self._news(PassingSeen(self._clock.now(), self._url, seen), seen)

    async def _begin_read(self) -> None:
        """An open loop: a read that hangs delays no other."""
        task = asyncio.create_task(self._read())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _read(self) -> None:
        answer = await self._asking.ask(self._questions[_READ_PATH])
        # 404 is a leader's answer too: there is no such key.
        if answer is not None and answer.status in (200, 404):
            self._answered(self._clock.now())
        elif answer is not None:
            self._note_refusal(_READ_PATH, answer)

    async def _ask(self, path: str, parse: Callable[[Any], Value]) -> Value | None:
        """What the agent says, None where it is silent."""
        answer = await self._asking.ask(self._questions[path])
        if answer is None or self._note_refusal(path, answer) or answer.status != 200:
            return None
        try:
            return parse(json.loads(answer.body))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _news(self, event: Event, content: Any) -> None:
        """Tell what differs from what was told."""
        if type(event) not in self._told or self._told[type(event)] != content:
            self._told[type(event)] = content
            self._tell(event)

    def _note_refusal(self, path: str, answer: Answer) -> bool:
        """Whether the agent keeps something back; that is told once."""
        why = _refusal(answer)
        if why is not None and path not in self._refused:
            self._refused.add(path)
            self._tell(Refused(self._clock.now(), self._url, path, why))
        return why is not None


class MetricsWatch:
    """Asks the balancer for its metrics."""

    def __init__(
        self, url: str, clock: Clock, tell: Tell, trust: ssl.SSLContext | None = None
    ) -> None:
        """Resolve the balancer's name; OSError where it has no address."""
        self._asking = _Asking(url, 1, trust, clock, tell)
        self._clock = clock
        self._tell = tell
        place = self._asking.place
        self._question = Question.of("GET", place.authority, place.path)
        self._told: dict[str, float] | None = {}

    def watchers(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side, without an end."""
        return [every(_METRICS_SECONDS, self._metrics)]

    async def close(self) -> None:
        """Close what is open."""
        self._asking.close()

    async def _metrics(self) -> None:
        answer = await self._asking.ask(self._question)
        seen = None
        if answer is not None and answer.status == 200:
            seen = consul_answers.metrics(answer.body.decode(errors="replace"))
        told, self._told = self._told, seen
        if seen is None:
            if told is not None:
                self._tell(MetricsSeen(self._clock.now(), None))
            return
        new = {key: value for key, value in seen.items() if (told or {}).get(key) != value}
        if new:
            self._tell(MetricsSeen(self._clock.now(), new))


def _refusal(answer: Answer) -> Refusal | None:
    """Why the agent keeps something back, None where it does not."""
    if answer.status == 403:
        return Refusal.UNKNOWN if _NO_SUCH_TOKEN in answer.body else Refusal.FORBIDDEN
    return Refusal.FILTERED if answer.headers.get(_FILTERED) == b"true" else None
