"""Follows the inventory's services and the discovered ones, and keeps what Consul last reported."""

from __future__ import annotations

import pathlib
import subprocess
from collections.abc import Callable

from ..model import Skip
from ..settings.model import Settings
from .catalog.follower import CatalogFollower
from .snapshot import Snapshot
from .subscription import Follower, fits_consul_template
from .template_follower import TemplateFollower


class ServiceDiscovery:
    """One of two followers, used by one thread; None stands for what Consul has not reported yet.

    It is consul-template, or the catalog follower where consul-template would hold too many
    connections or does not know the names of the services.
    """

    def __init__(self, folder: pathlib.Path, on_change: Callable[[], None]) -> None:
        """Follow nothing yet; another thread calls `on_change` when `read` is due."""
        self._template = TemplateFollower(folder)
        self._catalog: CatalogFollower | None = None
        self._on_change = on_change
        self._options = Settings(services=())
        self.declared: Snapshot | None = None
        self.discovered: Snapshot | None = None
        self.skipped_total = 0

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process of consul-template, None while it does not run."""
        return self._template.process

    @property
    def synced(self) -> bool:
        """Whether Consul has reported all followed services since the settings came into use."""
        options = self._options
        declared = self.declared is not None or not options.services
        return declared and (self.discovered is not None or options.discover is None)

    @property
    def problem(self) -> str:
        """Why Consul is not heard, "" where it is."""
        return self._follower.problem

    @property
    def skipped(self) -> tuple[Skip, ...]:
        """The entries that were skipped."""
        return tuple(
            skip for each in (self.declared, self.discovered) if each for skip in each.skipped
        )

    def heard_age(self, now: float) -> float | None:
        """For how many seconds Consul has not been heard; None where it was not heard yet.

        An age below 12 s is normal, it is that of a blocking query. `now` is monotonic, in seconds.
        """
        return self._follower.heard_age(now)

    def follow(self, options: Settings) -> None:
        """Follow the services of these settings, and forget what was reported before."""
        self._options = options
        self.declared = self.discovered = None
        if fits_consul_template(options):
            self._stop_catalog()
            self._template.follow(options)
            # It may follow the same services as before, and writes nothing until they change.
            self.read()
            return
        self._template.stop()
        if self._catalog and self._catalog.consul == options.consul:
            self._catalog.follow(options)
        else:
            self._stop_catalog()
            self._catalog = CatalogFollower(options, self._on_change)

    def restart(self) -> None:
        """Follow the same services in a cluster that was re-created.

        A blocking query would wait for an index that the new catalog will not reach soon.
        """
        self.stop()
        self.follow(self._options)

    def supervise(self, now: float) -> None:
        """Keep consul-template running; `now` is monotonic, in seconds."""
        self._template.supervise(now)

    def read(self) -> None:
        """Read what Consul has reported last."""
        report = self._follower.read()
        if report is not None:
            self.declared, self.discovered = report.declared, report.discovered
            self.skipped_total += sum(
                each.skipped_count for each in (report.declared, report.discovered) if each
            )

    def stop(self) -> None:
        """Stop following."""
        self._template.stop()
        self._stop_catalog()

    @property
    def _follower(self) -> Follower:
        return self._catalog or self._template

    def _stop_catalog(self) -> None:
        if self._catalog:
            self._catalog.stop()
        self._catalog = None
