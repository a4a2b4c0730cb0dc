"""Instances, settings and evidence that state what a story is about and default the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nginx_lb import routing as site
from nginx_lb.discovery.snapshot import Instance, Instances, Place, Snapshot, collect
from nginx_lb.protection.guard import CONFIRMED, Evidence, Record, Word
from nginx_lb.settings import reader as settings_reader
from nginx_lb.settings.model import Settings

BASE = settings_reader.from_environment({})
HERE = "birth-of-here"


def settings(**values: Any) -> Settings:
    """The settings of a file that says this."""
    return settings_reader.from_values(values, BASE)


def place(number: int, port: int = 80) -> Place:
    """10.0.0.<number>."""
    return Place(f"10.0.0.{number}", port)


def instances(*numbers: int, **more: Any) -> Instances:
    """Instances at 10.0.0.<number>:80."""
    return tuple(Instance(place(number), id=f"web-{number}", **more) for number in numbers)


def entry(**values: Any) -> dict[str, Any]:
    """What is said of an instance of web at 10.0.0.1:80."""
    return {"service": "web", "id": "w", "address": "10.0.0.1", "port": 80, "weight": 1, **values}


def snapshot(*entries: Any, **options: Any) -> Snapshot:
    """The snapshot of some entries."""
    return collect(entries, settings(**options).networks)


def followed(options: Settings, services: Mapping[str, Instances]) -> dict[str, Instances]:
    """What of a catalog these settings ask for."""
    return {**site.declared(options, services), **site.discovered(options, services)}


def record(*numbers: int, index: int = 10, birth: str = HERE) -> Record:
    """What is served and confirmed of a service."""
    return Record(instances(*numbers), frozenset(place(each) for each in numbers), birth, index)


def leader(words: Mapping[str, tuple[int, ...]], *, index: int = 20, birth: str = HERE) -> Evidence:
    """A leader that confirms: these services have these instances."""
    return Evidence(
        CONFIRMED,
        birth,
        {
            name: Word(frozenset(place(each) for each in numbers), index)
            for name, numbers in words.items()
        },
    )
