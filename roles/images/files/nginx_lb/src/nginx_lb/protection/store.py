"""What outlives the container: the records of what is served, on a volume."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ..discovery.snapshot import Instance, Place, ordered
from ..routing import Claim
from .guard import Record


@dataclasses.dataclass(frozen=True)
class State:
    """What was served last: by which generation, of which services, who held which route."""

    generation: int = 0
    records: Mapping[str, Record] = dataclasses.field(default_factory=dict)
    holders: Mapping[Claim, str] = dataclasses.field(default_factory=dict)


def load(path: pathlib.Path) -> State:
    """The state of the file; an empty one where there is none or it cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return _state(json.loads(path.read_text(encoding="utf-8")))
    return State()


def save(path: pathlib.Path, state: State) -> None:
    """Write the state, in one step. OSError where the volume cannot be written."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(_values(state)), encoding="utf-8")
    partial.replace(path)


def _values(state: State) -> dict[str, Any]:
    return {
        "generation": state.generation,
        "holders": [[*claim, service] for claim, service in sorted(state.holders.items())],
        "records": {name: _record_values(record) for name, record in state.records.items()},
    }


def _record_values(record: Record) -> dict[str, Any]:
    return {
        "birth": record.birth,
        "index": record.index,
        "confirmed": sorted([place.address, place.port] for place in record.confirmed),
        "instances": [
            [each.place.address, each.place.port, each.weight, each.id, list(each.tags)]
            for each in record.instances
        ],
    }


def _state(values: dict[str, Any]) -> State:
    return State(
        int(values["generation"]),
        {name: _record(each) for name, each in values["records"].items()},
        {(host, path): service for host, path, service in values["holders"]},
    )


def _record(values: dict[str, Any]) -> Record:
    return Record(
        ordered(
            Instance(Place(address, port), weight, identifier, tuple(tags))
            for address, port, weight, identifier, tags in values["instances"]
        ),
        frozenset(Place(address, port) for address, port in values["confirmed"]),
        values["birth"],
        values["index"],
    )
