"""Which services are followed, which follower does it, and what a follower reports. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Protocol

from ..settings.model import Settings
from ..settings.validation import Network
from .snapshot import Snapshot

# The program's connections to Consul, whatever the number of services and nodes. Consul allows 200
# to all programs of an address together.
_MAX_CONNECTIONS = 8
# The leader monitor and the leader check.
_OTHER_CONNECTIONS = 2


@dataclasses.dataclass(frozen=True)
class Subscription:
    """The services to follow: those with the names, and those with the tag, None for no tag.

    `names` has each name by its lower case: Consul takes `Web` and `web` for one service.
    """

    names: Mapping[str, Collection[str]]
    tag: str | None
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, options: Settings) -> Subscription:
        """The subscription of these settings."""
        names: dict[str, set[str]] = {}
        for service in options.services:
            names.setdefault(service.name.lower(), set()).add(service.name)
        return cls(names, options.discover.tag if options.discover else None, options.networks)

    def declares(self, name: str) -> bool:
        """Whether the service is followed by its name."""
        return name.lower() in self.names

    def follows(self, name: str, tags: Collection[str]) -> bool:
        """Whether the service is followed, by its name or by one of these tags."""
        return self.declares(name) or (self.tag is not None and self.tag in tags)


@dataclasses.dataclass(frozen=True)
class Report:
    """What passes in Consul; `discovered` is None where services are followed by name only."""

    declared: Snapshot
    discovered: Snapshot | None = None


class Follower(Protocol):
    """Reports the instances of services until it is stopped."""

    def follow(self, options: Settings) -> None:
        """Follow the services of these settings from now on."""

    def read(self) -> Report | None:
        """The last report; None before the first one."""

    @property
    def problem(self) -> str:
        """Why Consul is not heard, "" where it is."""

    def heard_age(self, now: float) -> float | None:
        """For how many seconds a query has been without an answer; None before the first one.

        `now` is monotonic, in seconds.
        """

    def stop(self) -> None:
        """Stop following."""


def fits_consul_template(options: Settings) -> bool:
    """Whether consul-template can follow all services: it holds a connection for each name."""
    names = {service.name for service in options.services}
    return options.discover is None and len(names) <= _MAX_CONNECTIONS - _OTHER_CONNECTIONS
