"""All watches together: every agent, the balancer, and whether any agent finds a leader."""

from __future__ import annotations

import asyncio

from ..history.clock import Clock
from ..history.settings import Settings
from .consistent_reads import Readings
from .credentials import trust
from .watches import AgentWatch, MetricsWatch, Tell


class Recorder:
    """Watches until told to stop; what is new goes to `tell`.

    `token` is sent to the agents and kept nowhere else.
    """

    def __init__(self, settings: Settings, clock: Clock, tell: Tell, token: str) -> None:
        """Resolve all names; OSError where one has no address. Nothing is asked before `run`.

        Trouble where the file of the agents' authority holds none.
        """
        agents = trust(settings.consul, settings.consul_ca)
        self._clock = clock
        self._tell = tell
        self._readings = Readings(clock.now())
        self._watches: list[AgentWatch | MetricsWatch] = [
            AgentWatch(url, settings.service, token, clock, tell, self._answered, agents)
            for url in settings.consul
        ]
        self._reading = bool(self._watches)
        if settings.metrics:
            balancer = trust([settings.metrics])
            self._watches.append(MetricsWatch(settings.metrics, clock, tell, balancer))

    @property
    def reads(self) -> int:
        """Consistent reads that were answered so far."""
        return self._readings.answered

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set."""
        tasks = [
            asyncio.create_task(watcher) for watch in self._watches for watcher in watch.watchers()
        ]
        stopped = asyncio.create_task(stop.wait())
        try:
            # A watcher that ends has met a mistake of ours: better no history than half of one.
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
        if self._reading:
            for reads in self._readings.close(self._clock.now()):
                self._tell(reads)

    def _answered(self, at: float) -> None:
        for reads in self._readings.answer(at):
            self._tell(reads)
