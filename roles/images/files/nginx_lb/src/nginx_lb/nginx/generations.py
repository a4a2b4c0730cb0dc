"""Which worker processes know which instances. Pure: the running processes are an argument.

After a reload the old workers continue on their open connections, with the instances they know. An
instance is out of rotation only when every worker that knew it has exited.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from ..model import Endpoint, Instances


@dataclasses.dataclass(frozen=True)
class Generation:
    """A configuration in use: its number, its instances and its worker processes."""

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
    """The generations with running workers, the new one last.

    Its workers are those that did not run `before` the reload.
    """
    return living((*living(known, before), Generation(number, services, alive - before)), alive)


def living(known: Iterable[Generation], alive: frozenset[int]) -> tuple[Generation, ...]:
    """The generations of which a worker runs.

    Workers that belong to none belong to the last one: nginx forked them late, or as replacements
    for workers that died, and either way with the present configuration.
    """
    left = [
        dataclasses.replace(generation, workers=generation.workers & alive) for generation in known
    ]
    if left:
        had = frozenset(worker for generation in left for worker in generation.workers)
        left[-1] = dataclasses.replace(left[-1], workers=left[-1].workers | (alive - had))
    return tuple(generation for generation in left if generation.workers)


def knowing(known: Iterable[Generation], service: str, endpoint: Endpoint) -> list[int]:
    """The numbers of the generations that may send a request to the endpoint."""
    return [
        generation.number
        for generation in known
        if any(each.endpoint == endpoint for each in generation.services.get(service, ()))
    ]
