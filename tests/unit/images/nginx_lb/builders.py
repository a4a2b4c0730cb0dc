"""Instances, settings and evidence that state what a story is about and default the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nginx_lb import routing
from nginx_lb.discovery.snapshot import Snapshot, collect
from nginx_lb.model import Endpoint, Instance, Instances, Record
from nginx_lb.protection.guard import CONFIRMED, ConfirmedEndpoints, Evidence
from nginx_lb.settings import reader
from nginx_lb.settings.model import Settings

BASE = reader.from_environment({})
CLUSTER = "cluster-1"


def settings(**values: Any) -> Settings:
    """The settings of a file with these values."""
    return reader.from_values(values, BASE)


def endpoint(number: int, port: int = 80) -> Endpoint:
    """10.0.0.<number>."""
    return Endpoint(f"10.0.0.{number}", port)


def instances(*numbers: int, **more: Any) -> Instances:
    """Instances at 10.0.0.<number>:80."""
    return tuple(Instance(endpoint(number), id=f"web-{number}", **more) for number in numbers)


def entry(**values: Any) -> dict[str, Any]:
    """What Consul reports of an instance of web at 10.0.0.1:80."""
    return {"service": "web", "id": "w", "address": "10.0.0.1", "port": 80, "weight": 1, **values}


def snapshot(*entries: Any, **options: Any) -> Snapshot:
    """The snapshot of some entries."""
    return collect(entries, settings(**options).networks)


def followed(options: Settings, services: Mapping[str, Instances]) -> dict[str, Instances]:
    """The part of a catalog that these settings include."""
    return {**routing.declared(options, services), **routing.discovered(options, services)}


def record(*numbers: int, index: int = 10, cluster_id: str = CLUSTER) -> Record:
    """What is served and confirmed of a service."""
    confirmed = frozenset(endpoint(each) for each in numbers)
    return Record(instances(*numbers), confirmed, cluster_id, index)


def leader(
    services: Mapping[str, tuple[int, ...]], *, index: int = 20, cluster_id: str = CLUSTER
) -> Evidence:
    """A leader that confirms: these services have these instances."""
    return Evidence(
        CONFIRMED,
        cluster_id,
        {
            name: ConfirmedEndpoints(frozenset(endpoint(each) for each in numbers), index)
            for name, numbers in services.items()
        },
    )
