"""Tells nginx the instances of all services, without a reload, and when a removed one is out."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Mapping

from rollcall_common import atomic_file

from ..model import Endpoint, Instance, Instances
from . import instance_file
from .connections import connected
from .process import Nginx, Refused

# Each worker uses what it was told in its next turn, which takes milliseconds.
_TURN_SECONDS = 0.05
# Longer than any shutdown_timeout that makes sense.
_FORGET_SECONDS = 3600.0
# A service and where its instance listens.
_Key = tuple[str, Endpoint]


class LiveInstances:
    """What nginx was told last. Other threads may read it."""

    def __init__(self, nginx: Nginx, path: pathlib.Path) -> None:
        """Nothing was told yet; nginx reads the file at `path` when it starts."""
        self._nginx = nginx
        self._path = path
        # What nginx uses for sure; None while the file may be newer.
        self._sets: Mapping[str, Instances] | None = None
        self._serial = 0
        self._removed: Mapping[_Key, tuple[Instance, float]] = {}
        self.services: Mapping[str, Instances] = {}

    def serves(self, sets: Mapping[str, Instances]) -> bool:
        """Whether nginx uses exactly these instances."""
        return sets == self._sets

    def write(self, sets: Mapping[str, Instances]) -> None:
        """Write the file, which nginx reads when it starts. Refused where that fails.

        `sets` are the instances by the name that nginx's configuration has for them.
        """
        try:
            atomic_file.write(self._path, instance_file.render(sets, self._serial + 1))
        except OSError as error:
            raise Refused(f"the instances were not written: {error}") from error
        self._serial += 1
        self._sets = None

    def update(self, sets: Mapping[str, Instances], services: Mapping[str, Instances]) -> None:
        """Have nginx use these instances. Refused where it does not: the old ones stay in use.

        `services` are the same instances by service, for the status.
        """
        if not self.serves(sets):
            self.write(sets)
            self._nginx.take_over_instances()
            self._sets = sets
            self._note_removed(services)
        self.services = services

    def leaving(self, longest: float) -> dict[str, Instances]:
        """The removed instances that nginx may still use, by service.

        These are those to which it has a connection, but for `longest` seconds at most.
        """
        now = time.monotonic()
        recent = [(key, *each) for key, each in self._removed.items() if now - each[1] < longest]
        busy = connected(self._nginx.workers()) if recent else frozenset()
        found: dict[str, Instances] = {}
        for (service, endpoint), instance, at in recent:
            if now - at < _TURN_SECONDS or endpoint in busy:
                found[service] = (*found.get(service, ()), instance)
        return found

    def _note_removed(self, services: Mapping[str, Instances]) -> None:
        now = time.monotonic()
        after = _by_key(services)
        known = {
            key: each for key, each in self._removed.items() if now - each[1] < _FORGET_SECONDS
        }
        known |= {key: (each, now) for key, each in _by_key(self.services).items()}
        self._removed = {key: each for key, each in known.items() if key not in after}


def _by_key(services: Mapping[str, Instances]) -> dict[_Key, Instance]:
    return {(name, each.endpoint): each for name, found in services.items() for each in found}
