"""Inspects containers in parallel and derives their services.

A container that cannot be inspected or processed does not affect the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping

from rollcall_common.backoff import KeyedBackoff
from rollcall_common.log_once import error_text

from ..domain.interfaces import ContainerSource, SourceError
from ..domain.model import Container, Ignored, Service
from ..parallel import each

_READERS = 8
# An inspection that hangs must not delay the others.
_STALL_SECONDS = 2.0
Derive = Callable[[Container], tuple[list[Service], list[Ignored]]]


@dataclasses.dataclass(frozen=True)
class Known:
    """A container as it was last inspected, and its services. Never registered from."""

    container: Container
    services: tuple[Service, ...]


@dataclasses.dataclass(frozen=True)
class ReadResult:
    """The running containers by identifier, and the reason for each one that is unread.

    The reason is empty for a container whose backoff has not passed.
    """

    known: dict[str, Known]
    unread: dict[str, str]
    ignored: list[Ignored]

    @property
    def services(self) -> list[Service]:
        """All services that were derived."""
        return services_in(self.known)


def services_in(known: dict[str, Known]) -> list[Service]:
    """The services of all these containers."""
    return [service for entry in known.values() for service in entry.services]


def sharing_network(
    container_ids: Collection[str], containers: Mapping[str, Container]
) -> frozenset[str]:
    """The containers that joined the network of one of these, and have its addresses."""
    return frozenset(
        key
        for key, container in containers.items()
        if container.network_mode.removeprefix("container:") in container_ids
    )


def read_containers(
    source: ContainerSource,
    derive: Derive,
    container_ids: Iterable[str],
    backoff: KeyedBackoff,
    now: float,
) -> ReadResult:
    """Inspect these containers and derive their services; a paused one has none.

    Containers that failed recently wait for their backoff and count as unread.
    Raises SourceError where not a single one can be inspected: then the engine has failed.
    """
    wanted = list(container_ids)
    ready = [key for key in wanted if backoff.ready(("inspect", key), now)]
    results = each(source.inspect, ready, _READERS, _STALL_SECONDS)
    found = ReadResult({}, {key: "" for key in wanted if key not in results}, [])
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
            backoff.fail(("inspect", key), now)
        else:
            backoff.forget(("inspect", key))
    return found


def _derive(container: Container, key: str, derive: Derive, into: ReadResult) -> None:
    try:
        services, ignored = derive(container)
    except Exception as error:
        # A container that causes an unexpected error must not affect the others.
        into.unread[key] = _reason(error)
    else:
        into.known[key] = Known(container, () if container.paused else tuple(services))
        into.ignored.extend(ignored)


def _reason(error: Exception) -> str:
    text = error_text(error)
    return text if isinstance(error, SourceError) else f"{type(error).__name__}: {text}"
