"""Makes nginx serve what is wanted: compares, publishes, and stores the state.

Instances are told to nginx at once; a changed configuration is published at a limited rate.
"""

from __future__ import annotations

import logging
import pathlib
import time
from collections.abc import Mapping

from rollcall_common.log_once import LogOnce

from . import routing
from .model import Instances, Record, Skip, instances_of
from .nginx.live_instances import LiveInstances
from .nginx.process import Refused
from .nginx.publisher import Publisher
from .nginx.reload_rate import ReloadRate
from .protection import store
from .protection.served_state import ServedState
from .protection.store import State
from .routing import Site
from .settings.model import Settings

log = logging.getLogger("nginx-lb")
_NOTHING = Site((), (), {})


class Reconciler:
    """Publishes the site of the settings and the served state; the state file is at `path`."""

    def __init__(
        self,
        publisher: Publisher,
        live: LiveInstances,
        served: ServedState,
        stored: State,
        path: pathlib.Path,
    ) -> None:
        """Publish nothing yet; `stored` is the state of the last run."""
        self._publisher = publisher
        self._live = live
        self._served = served
        self._owners = stored.owners
        self._stored_records: Mapping[str, Record] = {}
        self._path = path
        self._rate = ReloadRate(0.0, 0.0)
        self._published_site = _NOTHING
        self._log_once = LogOnce(log.error)
        self.pending = False
        self.skipped: tuple[Skip, ...] = ()

    def seconds_until_due(self, now: float) -> float:
        """Seconds until a pending change may be published; `now` is monotonic."""
        return max(0.0, self._rate.due() - now)

    def problem_of(self, options: Settings) -> str:
        """Why nginx refuses the site of these settings, "" where it does not; changes nothing."""
        try:
            self._publisher.test(options, self._site(options, self._still_served(options)))
        except Refused as error:
            return str(error)
        return ""

    def start(self, options: Settings) -> None:
        """Serve what the last run served. Refused where nginx does not serve it."""
        records = self._still_served(options)
        site = self._site(options, records)
        self._live.write(site.instance_sets)
        self._publisher.activate(options, site)
        # nginx may run already, started by an earlier life of this program.
        self._live.update(site.instance_sets, site.services)
        self._in_use(options, records, site)

    def use(self, options: Settings) -> str:
        """Serve these settings from now on; why that is not possible, "" where it is done."""
        records = self._still_served(options)
        site = self._site(options, records)
        try:
            self._live.update(self._sets(site), site.services)
            if not self._publisher.serves(options, site):
                self._publisher.publish(options, site)
        except Refused as error:
            self._tell(self._published_site)
            return str(error)
        self._in_use(options, records, site)
        return ""

    def reconcile(self, options: Settings, skipped: tuple[Skip, ...]) -> None:
        """Tell nginx the present instances, and publish the configuration if a reload is allowed.

        `skipped` is what discovery has skipped.
        """
        site = self._site(options, self._served.records)
        self._report_skipped((*skipped, *site.skipped))
        told = self._tell(site)
        if self._publisher.serves(options, site):
            self._published_site = site
            self.pending = not told
        else:
            self.pending = not told or not self._publisher.recently_refused(options, site)
            if told and self.pending and time.monotonic() >= self._rate.due():
                self._publish(options, site)
        if self._served.records != self._stored_records:
            self._store()

    def _tell(self, site: Site) -> bool:
        """Whether nginx uses the instances of the site."""
        try:
            self._live.update(self._sets(site), site.services)
        except Refused as error:
            self._log_once((str(error),), str(error))
            return False
        self._log_once.retain(lambda _key: False)
        return True

    def _sets(self, site: Site) -> dict[str, Instances]:
        """The instances of the site, and of routes that nginx serves until its next reload."""
        return {**self._published_site.instance_sets, **site.instance_sets}

    def _still_served(self, options: Settings) -> Mapping[str, Record]:
        return routing.still_served(options, self._served.records)

    def _site(self, options: Settings, records: Mapping[str, Record]) -> Site:
        return routing.plan(options, instances_of(records), self._owners)

    def _in_use(self, options: Settings, records: Mapping[str, Record], site: Site) -> None:
        self._served.records = records
        self._rate = ReloadRate(options.reload.min_interval, options.reload.burst_interval)
        self._published(site)

    def _publish(self, options: Settings, site: Site) -> None:
        try:
            self._publisher.publish(options, site)
        except Refused as error:
            log.error("refused, generation %d stays: %s", self._publisher.number, error)
            self.pending = False
        else:
            self._published(site)

    def _published(self, site: Site) -> None:
        self.pending = False
        self._rate = self._rate.reloaded(time.monotonic())
        self._owners = site.owners
        self._published_site = site
        counts = ", ".join(f"{name} {len(each)}" for name, each in sorted(site.services.items()))
        log.info("generation %d serves: %s", self._publisher.number, counts or "no service")
        self._store()

    def _report_skipped(self, skipped: tuple[Skip, ...]) -> None:
        for skip in skipped:
            if skip not in self.skipped:
                log.warning("skipped %s: %s", skip.service, skip.reason)
        self.skipped = skipped

    def _store(self) -> None:
        """Write the state for the next start."""
        self._stored_records = self._served.records
        try:
            store.save(
                self._path, State(self._publisher.number, self._stored_records, self._owners)
            )
        except OSError as error:
            log.error("the state was not written: %s", error)
