"""All watches together: every agent, the balancer, and whether any agent reaches a leader."""

from __future__ import annotations

import asyncio

from ..history.clock import Clock
from ..history.settings import Settings
from .consistent_reads import ConsistentReads
from .credentials import trust
from .watches import AgentWatch, Emit, MetricsWatch


class Recorder:
    """Watches until stopped; what is new goes to `emit`.

    `token` is sent to the agents and kept nowhere else.
    """

    def __init__(self, settings: Settings, clock: Clock, emit: Emit, token: str) -> None:
        """Resolve all names; OSError where one has no address. Nothing is sent before `run`.

        UserError where the CA file of the agents is invalid.
        """
        agents = trust(settings.consul, settings.consul_ca)
        self._clock = clock
        self._emit = emit
        self._reads = ConsistentReads(clock.now())
        self._watches: list[AgentWatch | MetricsWatch] = [
            AgentWatch(url, settings.service, token, clock, emit, self._on_read, agents)
            for url in settings.consul
        ]
        self._has_agents = bool(self._watches)
        if settings.metrics:
            balancer = trust([settings.metrics])
            self._watches.append(MetricsWatch(settings.metrics, clock, emit, balancer))

    @property
    def reads(self) -> int:
        """Consistent reads that were answered so far."""
        return self._reads.answered

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set."""
        tasks = [
            asyncio.create_task(watcher) for watch in self._watches for watcher in watch.watchers()
        ]
        stopped = asyncio.create_task(stop.wait())
        try:
            # A watcher that ends has a bug: rather no history than an incomplete one.
            await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            stopped.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(stopped, *tasks, return_exceptions=True)
            for watch in self._watches:
                await watch.close()
        if self._has_agents:
            for reads in self._reads.close(self._clock.now()):
                self._emit(reads)

    def _on_read(self, at: float) -> None:
        for reads in self._reads.answer(at):
            self._emit(reads)
