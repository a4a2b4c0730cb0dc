"""What Consul says of the services, as data: one JSON object a line, one line an instance. Pure.

What does not fit is left out and told; nothing that Consul says can make this raise.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..settings import validation as grammar
from ..settings.validation import Network, Unfit

# consul-template writes this last: a file without it was cut short.
END = "end"
_LINE_LENGTH = 65536
_TAGS = 256
_ID_LENGTH = 256
_REPORTED = 100


@dataclasses.dataclass(frozen=True, order=True)
class Place:
    """Where an instance listens: an IP address literal and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """As nginx and people write it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Instance:
    """A passing instance. `id` and `tags` are a stranger's words: shown, never rendered."""

    place: Place
    weight: int = 1
    id: str = ""
    tags: tuple[str, ...] = ()


Instances = tuple[Instance, ...]


@dataclasses.dataclass(frozen=True)
class Skip:
    """What was left out of the configuration, and why. Printable whatever Consul said."""

    service: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The passing instances of each service, in a fixed order, and what was left out."""

    services: Mapping[str, Instances]
    skipped: tuple[Skip, ...] = ()
    skipped_count: int = 0


def parse(text: str, networks: tuple[Network, ...]) -> Snapshot | None:
    """The snapshot that consul-template wrote; None where it is not whole."""
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines or lines.pop().strip() != json.dumps(END):
        return None
    return collect((_entry(line) for line in lines if line.strip()), networks)


def collect(entries: Iterable[Any], networks: tuple[Network, ...]) -> Snapshot:
    """The snapshot of these entries: mappings with service, id, address, port, weight and tags."""
    found: dict[str, dict[Place, Instance]] = {}
    skipped: dict[Skip, None] = {}
    count = 0
    for entry in entries:
        try:
            service, instance = _instance(entry, networks)
        except Unfit as error:
            count += 1
            if len(skipped) < _REPORTED:
                skipped[Skip(_service_of(entry), str(error))] = None
            continue
        if service is not None:
            places = found.setdefault(service, {})
            if instance is not None and (
                instance.place not in places or instance.id < places[instance.place].id
            ):
                places[instance.place] = instance
    services = {name: ordered(places.values()) for name, places in sorted(found.items())}
    return Snapshot(services, tuple(skipped), count)


def ordered(instances: Iterable[Instance]) -> Instances:
    """Always the same order, so that an unchanged set renders the same text."""
    return tuple(sorted(instances, key=lambda instance: instance.place))


def _entry(line: str) -> Any:
    if len(line) > _LINE_LENGTH:
        return Unfit(f"an entry of {len(line)} characters is too long")
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return Unfit("an entry is no JSON")


def _instance(entry: Any, networks: tuple[Network, ...]) -> tuple[str, Instance | None]:
    """The service's name and the instance; None for a service that has none."""
    if isinstance(entry, Unfit):
        raise entry
    if not isinstance(entry, dict):
        raise Unfit("an entry is no object")
    service = grammar.name(entry.get("service"))
    if "address" not in entry:
        return service, None
    place = Place(_address(entry["address"], networks), grammar.port(entry.get("port")))
    return service, Instance(
        place, grammar.weight(entry.get("weight", 1)), _words(entry.get("id")), _tags(entry)
    )


def _address(value: Any, networks: tuple[Network, ...]) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{grammar.quoted(value)} is not an IP address")
    return _allowed(value, networks)


# A host's address comes with each of its instances.
@functools.lru_cache(4096)
def _allowed(text: str, networks: tuple[Network, ...]) -> str:
    return str(grammar.reachable(grammar.address(text), networks))


def _words(value: Any) -> str:
    return value[:_ID_LENGTH] if isinstance(value, str) else ""


def _tags(entry: Mapping[str, Any]) -> tuple[str, ...]:
    tags = entry.get("tags") or []
    if not isinstance(tags, list) or len(tags) > _TAGS:
        raise Unfit(f"more than {_TAGS} tags")
    return tuple(sorted(tag for tag in tags if isinstance(tag, str)))


def _service_of(entry: Any) -> str:
    return grammar.quoted(entry.get("service") if isinstance(entry, dict) else "")
