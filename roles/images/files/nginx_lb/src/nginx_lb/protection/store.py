"""Keeps the records of what is served on the volume, for the next container."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from rollcall_common import atomic_file

from ..model import Endpoint, Instance, Record, ordered
from ..routing import Claim


@dataclasses.dataclass(frozen=True)
class State:
    """What was served last: the generation, the records, and the service that owns each route."""

    generation: int = 0
    records: Mapping[str, Record] = dataclasses.field(default_factory=dict)
    owners: Mapping[Claim, str] = dataclasses.field(default_factory=dict)


def load(path: pathlib.Path) -> State:
    """The state in the file; an empty one where the file is missing or invalid."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return _state(json.loads(path.read_text(encoding="utf-8")))
    return State()


def save(path: pathlib.Path, state: State) -> None:
    """Write the state atomically. OSError where the volume cannot be written."""
    atomic_file.write(path, json.dumps(_values(state)))


def _values(state: State) -> dict[str, Any]:
    return {
        "generation": state.generation,
        "owners": [[*claim, service] for claim, service in sorted(state.owners.items())],
        "records": {name: _record_values(record) for name, record in state.records.items()},
    }


def _record_values(record: Record) -> dict[str, Any]:
    return {
        "cluster_id": record.cluster_id,
        "index": record.index,
        "confirmed": _endpoint_values(record.confirmed),
        "withdrawn": _endpoint_values(record.withdrawn),
        "instances": [
            [each.endpoint.address, each.endpoint.port, each.weight, each.id, list(each.tags)]
            for each in record.instances
        ],
    }


def _endpoint_values(endpoints: frozenset[Endpoint]) -> list[list[str | int]]:
    return [[each.address, each.port] for each in sorted(endpoints)]


def _state(values: dict[str, Any]) -> State:
    return State(
        int(values["generation"]),
        {name: _record(each) for name, each in values["records"].items()},
        {(host, path): service for host, path, service in values["owners"]},
    )


def _record(values: dict[str, Any]) -> Record:
    return Record(
        ordered(
            Instance(Endpoint(address, port), weight, identifier, tuple(tags))
            for address, port, weight, identifier, tags in values["instances"]
        ),
        _endpoints(values["confirmed"]),
        values["cluster_id"],
        values["index"],
        # The state of an older version has none.
        _endpoints(values.get("withdrawn", [])),
    )


def _endpoints(values: list[tuple[str, int]]) -> frozenset[Endpoint]:
    return frozenset(Endpoint(address, port) for address, port in values)
