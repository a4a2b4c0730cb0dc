"""Which worker processes know which instances. Pure: the processes that live are an argument.

After a reload the old workers answer on, on the connections they have, with the instances they
know. An instance is out only when no worker that knew it lives any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from ..discovery.snapshot import Instances, Place


@dataclasses.dataclass(frozen=True)
class Generation:
    """A configuration that served or serves: its number, its instances, its worker processes."""

    number: int
    services: Mapping[str, Instances]
    workers: frozenset[int]


def after_reload(
    known: Iterable[Generation],
    number: int,
    services: Mapping[str, Instances],
    before: frozenset[int],
    alive: frozenset[int],
) -> tuple[Generation, ...]:
    """The living generations, the new one last.

    Its workers are those that were not there `before` the reload.
    """
    return living((*living(known, before), Generation(number, services, alive - before)), alive)


def living(known: Iterable[Generation], alive: frozenset[int]) -> tuple[Generation, ...]:
    """The generations of which a worker lives.

    The last one has the workers that none had: nginx had not forked them yet, or it has forked
    them for others that died, and they read what serves.
    """
    left = [
        dataclasses.replace(generation, workers=generation.workers & alive) for generation in known
    ]
    if left:
        had = frozenset(worker for generation in left for worker in generation.workers)
        left[-1] = dataclasses.replace(left[-1], workers=left[-1].workers | (alive - had))
    return tuple(generation for generation in left if generation.workers)


def knowing(known: Iterable[Generation], service: str, place: Place) -> list[int]:
    """The numbers of the generations that may send a request there."""
    return [
        generation.number
        for generation in known
        if any(each.place == place for each in generation.services.get(service, ()))
    ]
