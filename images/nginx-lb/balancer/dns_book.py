"""What nginx has been told of each set, and what it may therefore use. Pure.

nginx asks again every second. A change of a set has come to nginx when every name that leads to the
set was asked for since, a moment ago; what was on its way then is seen by its connections.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from .snapshot import Instance, Instances, Place

# nginx has the answer, and takes it over when it knows each new name's address.
_SETTLED_SECONDS = 0.5
Key = tuple[str, Place]
Sets = Mapping[str, tuple[str, Instances]]


@dataclasses.dataclass(frozen=True)
class Change:
    """An instance that joined or left, the names that owe a question, and when one was asked last.

    Times are the monotonic clock's, in seconds.
    """

    instance: Instance
    joined: bool
    owing: frozenset[str]
    asked: float = 0.0

    def arrived(self, now: float) -> bool:
        """Whether nginx has taken it over."""
        return not self.owing and now - self.asked >= _SETTLED_SECONDS


@dataclasses.dataclass(frozen=True)
class Gone:
    """An instance that left a set: whether nginx may choose it still, and its connections."""

    service: str
    instance: Instance
    known: bool
    connections: int


@dataclasses.dataclass(frozen=True)
class DnsBook:
    """The sets by name, each with its service, and the changes that nginx may not know yet."""

    sets: Sets = dataclasses.field(default_factory=dict)
    changes: Mapping[Key, Change] = dataclasses.field(default_factory=dict)
    # When each name of a set that has instances was asked for first.
    begun: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def told(self, sets: Sets) -> DnsBook:
        """New sets. Of a name that is not asked for any more nothing is owed."""
        before, after = _members(self.sets), _members(sets)
        changes = dict(self.changes)
        for key, instance in before.items():
            if key not in after:
                changes[key] = Change(instance, False, _names(sets, key[0]))
        for key, instance in after.items():
            if key not in before:
                changes[key] = Change(instance, True, _names(sets, key[0]))
        begun = {name: at for name, at in self.begun.items() if _peopled(sets, name)}
        return DnsBook(sets, changes, begun)

    def asked(self, name: str, now: float) -> DnsBook:
        """A question for a set, answered."""
        begun = self.begun
        if name not in begun and _peopled(self.sets, name):
            begun = {**begun, name: now}
        paid = {
            key: dataclasses.replace(change, owing=change.owing - {name}, asked=now)
            for key, change in self.changes.items()
            if name in change.owing
        }
        if not paid and begun is self.begun:
            return self
        return dataclasses.replace(self, changes={**self.changes, **paid}, begun=begun)

    def learned(self, names: Iterable[str], now: float) -> bool:
        """Whether nginx knows who is behind each of these names."""
        return all(now - self.begun.get(name, now) >= _SETTLED_SECONDS for name in names)

    def settled(self, now: float, connections: Mapping[Place, int]) -> DnsBook:
        """Without what nginx has taken over; who left stays as long as it has connections."""
        return dataclasses.replace(
            self,
            changes={
                key: change
                for key, change in self.changes.items()
                if not change.arrived(now) or (not change.joined and connections.get(key[1], 0))
            },
        )

    def joining(self) -> frozenset[Key]:
        """The instances that nginx may not know yet."""
        return frozenset(key for key, change in self.changes.items() if change.joined)

    def gone(self, now: float, connections: Mapping[Place, int]) -> tuple[Gone, ...]:
        """The instances that left and are not out yet."""
        return tuple(
            Gone(service, change.instance, not change.arrived(now), connections.get(place, 0))
            for (service, place), change in sorted(self.changes.items())
            if not change.joined
        )


def _members(sets: Sets) -> dict[Key, Instance]:
    return {
        (service, instance.place): instance
        for service, instances in sets.values()
        for instance in instances
    }


def _peopled(sets: Sets, name: str) -> bool:
    return name in sets and bool(sets[name][1])


def _names(sets: Sets, service: str) -> frozenset[str]:
    return frozenset(name for name, (each, _instances) in sets.items() if each == service)
