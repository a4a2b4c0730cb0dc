"""Reads containers, many at a time; one that cannot be read or understood hides nobody else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from ..backoff import Patience
from ..domain.interfaces import ContainerSource, SourceError
from ..domain.model import Container, Ignored, Service
from ..log_once import words
from ..parallel import each

_READERS = 8
# A container whose inspection hangs must not keep the others waiting.
_HANGS_SECONDS = 2.0
Derive = Callable[[Container], tuple[list[Service], list[Ignored]]]


@dataclasses.dataclass(frozen=True)
class Known:
    """A container as it was when it was last read, and its services. Never registered from."""

    container: Container
    services: tuple[Service, ...]


@dataclasses.dataclass(frozen=True)
class Survey:
    """What was read, by identifier: those that run, and the reasons for those left unread.

    The reason is empty for one that was not tried again yet.
    """

    known: dict[str, Known]
    unread: dict[str, str]
    ignored: list[Ignored]

    @property
    def services(self) -> list[Service]:
        """Every service that was derived."""
        return services_in(self.known)


def services_in(known: dict[str, Known]) -> list[Service]:
    """The services of all these containers."""
    return [service for entry in known.values() for service in entry.services]


def survey(
    source: ContainerSource,
    derive: Derive,
    container_ids: Iterable[str],
    patience: Patience,
    now: float,
) -> Survey:
    """Inspect these containers and derive their services; a paused one has none.

    Those that failed lately wait for their turn and count as unread.
    Raises SourceError where not a single one can be read: then it is the engine.
    """
    wanted = list(container_ids)
    ready = [key for key in wanted if patience.ready(("inspect", key), now)]
    results = each(source.inspect, ready, _READERS, _HANGS_SECONDS)
    found = Survey({}, {key: "" for key in wanted if key not in results}, [])
    for key, result in results.items():
        if isinstance(result, Exception):
            found.unread[key] = _reason(result)
        elif result is not None:
            _derive(result, key, derive, found)
    failures = [result for result in results.values() if isinstance(result, Exception)]
    if failures and len(failures) == len(wanted):
        raise SourceError(_reason(failures[0]))
    for key in ready:
        if key in found.unread:
            patience.fail(("inspect", key), now)
        else:
            patience.forget(("inspect", key))
    return found


def _derive(container: Container, key: str, derive: Derive, into: Survey) -> None:
    try:
        services, ignored = derive(container)
    except Exception as error:
        # Whatever one container's words lead to, the others are not concerned.
        into.unread[key] = _reason(error)
    else:
        into.known[key] = Known(container, () if container.paused else tuple(services))
        into.ignored.extend(ignored)


def _reason(error: Exception) -> str:
    said = words(error)
    return said if isinstance(error, SourceError) else f"{type(error).__name__}: {said}"
