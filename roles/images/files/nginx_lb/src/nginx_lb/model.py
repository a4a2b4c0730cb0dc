"""The values that several layers share: endpoints, instances, and records of a service. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping


@dataclasses.dataclass(frozen=True, order=True)
class Endpoint:
    """Where an instance listens: an IP address literal and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """In nginx's notation, with brackets around an IPv6 address."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Instance:
    """A passing instance. `id` and `tags` are untrusted text: displayed, never rendered."""

    endpoint: Endpoint
    weight: int = 1
    id: str = ""
    tags: tuple[str, ...] = ()


Instances = tuple[Instance, ...]


def ordered(instances: Iterable[Instance]) -> Instances:
    """Always the same order, so that an unchanged set renders the same text."""
    return tuple(sorted(instances, key=lambda instance: instance.endpoint))


@dataclasses.dataclass(frozen=True)
class Skip:
    """What was left out of the configuration, and why. Printable whatever Consul reports."""

    service: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Record:
    """What is served of a service, and what Consul last confirmed about it.

    A loss is measured against the endpoints in `confirmed`; they come from the cluster
    `cluster_id` at the catalog index `index`. Those in `withdrawn` get no requests until Consul
    vouches for them again.
    """

    instances: Instances = ()
    confirmed: frozenset[Endpoint] = frozenset()
    cluster_id: str = ""
    index: int = 0
    withdrawn: frozenset[Endpoint] = frozenset()

    @property
    def endpoints(self) -> frozenset[Endpoint]:
        """Where the instances listen."""
        return frozenset(instance.endpoint for instance in self.instances)

    @property
    def in_rotation(self) -> Instances:
        """The instances that get requests."""
        return tuple(each for each in self.instances if each.endpoint not in self.withdrawn)


def instances_of(records: Mapping[str, Record]) -> dict[str, Instances]:
    """The instances to serve, by the key of their service."""
    return {name: record.in_rotation for name, record in records.items()}
