"""Reads the followed services and the failing checks, on one connection."""

from __future__ import annotations

import dataclasses
import functools

from ...model import Skip
from ...settings.model import Consul
from ..consul_client import Answer, ConsulClient
from ..subscription import Report, Subscription
from . import queries
from .queries import Nodes, Query, Services
from .registrations import Failing, Part, Registration
from .reporter import Reporter

# Longer than Consul waits for a leader, 7 s and up to a seventh more.
_TIMEOUT_SECONDS = 15.0
# A part that is larger is read again only where its index has moved.
_PROBED_BYTES = 32768

_Part = Answer[Part]


@dataclasses.dataclass(frozen=True, eq=False)
class Signals:
    """What the blocking queries answered last, and what is followed."""

    nodes: Answer[Nodes]
    services: Answer[Services]
    checks: Answer[None]
    subscription: Subscription

    def same_services(self, other: Signals) -> bool:
        """Whether no service can have changed since the other signals."""
        return self.nodes is other.nodes and self.services is other.services

    def same(self, other: Signals) -> bool:
        """Whether nothing can have changed since the other signals."""
        return (
            self.same_services(other)
            and self.checks is other.checks
            and self.subscription is other.subscription
        )


class CatalogReader:
    """Keeps what it has read, and reads again what may have changed.

    Services and checks come in several answers, and the catalog may change between them: an
    instance that was deregistered together with its failing check, after the services and before
    the checks were read, would seem to pass. So a part that is new, or that has a check which fails
    no more, must still have its index after the checks were read. Of a part that has moved on, only
    those count that are still registered.
    """

    def __init__(self, consul: Consul, subscription: Subscription) -> None:
        """Read nothing yet."""
        self.subscription = subscription
        self._client = ConsulClient(consul, _TIMEOUT_SECONDS)
        self._reporter = Reporter(subscription)
        self._read_for: Signals | None = None
        self._parts: dict[Query, _Part] = {}
        self._skips: tuple[Skip, ...] = ()
        self._failing: Failing = frozenset()
        self._unconfirmed: set[Query] = set()

    def read(self, signals: Signals) -> Report:
        """What passes now. ConsulError where a part cannot be read; what was known stays known."""
        if self._read_for is None or not signals.same_services(self._read_for):
            self._read_services(signals)
        failing = self._read_checks()
        registrations = self._confirmed(signals)
        return self._reporter.report(registrations, failing, self._skips)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _read_services(self, signals: Signals) -> None:
        found, skips = queries.plan(self.subscription, signals.nodes.body, signals.services.body)
        parts = {each: self._part(each) for each in found}
        self._unconfirmed |= {each for each in found if parts[each] is not self._parts.get(each)}
        self._unconfirmed &= parts.keys()
        self._parts, self._skips, self._read_for = parts, skips, signals

    def _part(self, query: Query) -> _Part:
        """A part as it is now; the known object where it has not changed."""
        known = self._parts.get(query)
        if known is None:
            return self._client.get(query.path, functools.partial(query.parse, None))
        if len(known.content) > _PROBED_BYTES and not self._has_moved(query):
            return known
        parse = functools.partial(query.parse, known.body)
        found = self._client.get(query.path, parse, known)
        same = found.body is known.body and found.index == known.index
        return known if same else found

    def _read_checks(self) -> Failing:
        """The checks that do not pass; a part with one that passes now is to be confirmed."""
        failing = self._client.get(queries.NOT_PASSING, queries.failing).body
        if recovered := self._failing - failing:
            self._unconfirmed |= {
                query
                for query, part in self._parts.items()
                if any(not recovered.isdisjoint(each.keys) for each in part.body.registrations)
            }
        self._failing = failing
        return failing

    def _confirmed(self, signals: Signals) -> list[Registration]:
        """The registrations that were there when the checks were read."""
        if self._unconfirmed:
            index = self._client.get(queries.SERVICES_INDEX, queries.nothing).index
            candidates = self._unconfirmed if index != signals.services.index else ()
            self._unconfirmed = {each for each in candidates if self._has_moved(each)}
        again = {each: self._part(each) for each in self._unconfirmed}
        found: list[Registration] = []
        for query, part in self._parts.items():
            if query in again:
                still = {each.identity for each in again[query].body.registrations}
                found += (each for each in part.body.registrations if each.identity in still)
            else:
                found += part.body.registrations
        self._parts |= again
        return found

    def _has_moved(self, query: Query) -> bool:
        return self._client.get(query.probe, queries.nothing).index != self._parts[query].index
