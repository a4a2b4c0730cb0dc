"""Parses and validates what Consul reports: one JSON object per line, one line per instance. Pure.

Invalid entries are skipped and listed; nothing that Consul reports makes this raise.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rollcall_common.json_text import decoded

from ..model import Endpoint, Instance, Instances, Skip, ordered
from ..settings import validation
from ..settings.validation import InvalidValue, Network

# consul-template writes this last: a file without it is truncated.
END = "end"
_MAX_LINE_LENGTH = 65536
_MAX_TAGS = 256
_MAX_ID_LENGTH = 256
_MAX_SKIPS = 100


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The passing instances of each service, in a fixed order, and what was skipped."""

    services: Mapping[str, Instances]
    skipped: tuple[Skip, ...] = ()
    skipped_count: int = 0


@dataclasses.dataclass(frozen=True)
class Found:
    """A valid entry: a service, and an instance unless the entry has no address."""

    service: str
    instance: Instance | None = None


def parse(text: str, networks: tuple[Network, ...]) -> Snapshot | None:
    """The snapshot that consul-template wrote; None where it is truncated."""
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines or lines.pop().strip() != json.dumps(END):
        return None
    return collect((_entry(line) for line in lines if line.strip()), networks)


def collect(entries: Iterable[Any], networks: tuple[Network, ...]) -> Snapshot:
    """The snapshot of entries: mappings with service, id, address, port, weight and tags."""
    return Assembler().snapshot(validated(entry, networks) for entry in entries)


def validated(entry: Any, networks: tuple[Network, ...]) -> Found | Skip:
    """What an entry registers, or why it is skipped."""
    try:
        return _found(entry, networks)
    except InvalidValue as error:
        return Skip(_service_of(entry), str(error))


class Assembler:
    """Assembles snapshots; a service with the instances of the last one is not sorted again."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._last: dict[str, tuple[list[Instance], Instances]] = {}

    def snapshot(self, entries: Iterable[Found | Skip]) -> Snapshot:
        """The snapshot of validated entries."""
        found: dict[str, list[Instance]] = {}
        skipped: dict[Skip, None] = {}
        count = 0
        for entry in entries:
            if isinstance(entry, Skip):
                count += 1
                if len(skipped) < _MAX_SKIPS:
                    skipped[entry] = None
            else:
                instances = found.setdefault(entry.service, [])
                if entry.instance is not None:
                    instances.append(entry.instance)
        self._last = {name: self._ordered(name, each) for name, each in sorted(found.items())}
        services = {name: instances for name, (_entries, instances) in self._last.items()}
        return Snapshot(services, tuple(skipped), count)

    def _ordered(self, name: str, instances: list[Instance]) -> tuple[list[Instance], Instances]:
        if (last := self._last.get(name)) and last[0] == instances:
            return last
        # Of two instances with the same endpoint, the one with the smaller ID counts.
        by_endpoint = {
            each.endpoint: each
            for each in sorted(instances, key=lambda each: each.id, reverse=True)
        }
        return instances, ordered(by_endpoint.values())


def _entry(line: str) -> Any:
    if len(line) > _MAX_LINE_LENGTH:
        return InvalidValue(f"an entry of {len(line)} characters is too long")
    try:
        return decoded(line)
    except ValueError:
        return InvalidValue("an entry is not valid JSON")


def _found(entry: Any, networks: tuple[Network, ...]) -> Found:
    if isinstance(entry, InvalidValue):
        raise entry
    if not isinstance(entry, dict):
        raise InvalidValue("an entry is not an object")
    service = validation.name(entry.get("service"))
    if "address" not in entry:
        return Found(service)
    endpoint = Endpoint(_address(entry["address"], networks), validation.port(entry.get("port")))
    weight = validation.weight(entry.get("weight", 1))
    return Found(service, Instance(endpoint, weight, _text(entry.get("id")), _tags(entry)))


def _address(value: Any, networks: tuple[Network, ...]) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{validation.quoted(value)} is not an IP address")
    return _allowed(value, networks)


# The same address occurs in each instance of a host.
@functools.lru_cache(4096)
def _allowed(value: str, networks: tuple[Network, ...]) -> str:
    return str(validation.reachable(validation.address(value), networks))


def _text(value: Any) -> str:
    return value[:_MAX_ID_LENGTH] if isinstance(value, str) else ""


def _tags(entry: Mapping[str, Any]) -> tuple[str, ...]:
    tags = entry.get("tags") or []
    if not isinstance(tags, list) or len(tags) > _MAX_TAGS:
        raise InvalidValue(f"more than {_MAX_TAGS} tags")
    return tuple(sorted(tag for tag in tags if isinstance(tag, str)))


def _service_of(entry: Any) -> str:
    return validation.quoted(entry.get("service") if isinstance(entry, dict) else "")
