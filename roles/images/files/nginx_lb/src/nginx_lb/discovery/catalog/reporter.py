"""Which instances pass. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...model import Skip
from ..snapshot import Assembler, Snapshot
from ..subscription import Report, Subscription
from .registrations import Failing, Registration


class Reporter:
    """Makes reports for one subscription."""

    def __init__(self, subscription: Subscription) -> None:
        """Nothing is known yet."""
        self._subscription = subscription
        self._declared, self._discovered = Assembler(), Assembler()

    def report(
        self,
        registrations: Iterable[Registration],
        failing: Failing,
        skips: Collection[Skip] = (),
    ) -> Report:
        """What passes, as `?passing` defines it: every check of an instance and of its node.

        `failing` are all checks that do not pass, read after the services: an instance that was
        registered with a failing check must not look as if it had no check.
        """
        # A service that the answers of two queries have counts once.
        passing = {
            each.keys[0]: each for each in registrations if failing.isdisjoint(each.keys)
        }.values()
        found = self._declared.snapshot(
            (*skips, *(each.entry for each in passing if each.declared))
        )
        by_name = {
            name: found.services.get(lower, ())
            for lower, names in self._subscription.names.items()
            for name in names
        }
        declared = Snapshot(by_name, found.skipped, found.skipped_count)
        if self._subscription.tag is None:
            return Report(declared)
        discovered = self._discovered.snapshot(each.entry for each in passing if not each.declared)
        return Report(declared, discovered)
