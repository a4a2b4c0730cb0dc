"""Follows the inventory's services and the discovered ones, and keeps what Consul last reported."""

from __future__ import annotations

import logging
import pathlib
import subprocess
from collections.abc import Callable

from ..model import Skip
from ..settings.model import Settings
from . import snapshot
from .catalog_follower import CatalogFollower
from .snapshot import Snapshot
from .template_follower import TemplateFollower

log = logging.getLogger("nginx-lb")


class ServiceDiscovery:
    """Both followers, used by one thread; None stands for what Consul has not reported yet."""

    def __init__(self, folder: pathlib.Path, on_change: Callable[[], None]) -> None:
        """Follow nothing yet; another thread calls `on_change` when `read_discovered` is due."""
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
    def skipped(self) -> tuple[Skip, ...]:
        """The entries that were skipped."""
        return tuple(
            skip for each in (self.declared, self.discovered) if each for skip in each.skipped
        )

    def follow(self, options: Settings) -> None:
        """Follow the services of these settings, and forget what was reported before."""
        self._options = options
        self.declared = self.discovered = None
        self._template.follow(options)
        if self._template.read() is not None:
            # It follows the same services as before, and writes nothing until they change.
            self.read_declared()
        if self._catalog:
            self._catalog.stop()
        self._catalog = None
        if options.discover:
            self._catalog = CatalogFollower(options.consul, options.discover.tag, self._on_change)

    def restart(self) -> None:
        """Follow the same services in a cluster that was re-created.

        A blocking query would wait for an index that the new catalog will not reach soon.
        """
        self._template.stop()
        self.follow(self._options)

    def supervise(self, now: float) -> None:
        """Keep consul-template running; `now` is monotonic, in seconds."""
        self._template.supervise(now)

    def read_declared(self) -> None:
        """Read what consul-template wrote."""
        text = self._template.read()
        found = snapshot.parse(text, self._options.networks) if text is not None else None
        if found is None:
            log.warning("the snapshot of consul-template is truncated")
            return
        self.declared = found
        self.skipped_total += found.skipped_count

    def read_discovered(self) -> None:
        """Read what the catalog holds."""
        entries = self._catalog.read() if self._catalog else None
        if entries is not None:
            self.discovered = snapshot.collect(entries, self._options.networks)
            self.skipped_total += self.discovered.skipped_count

    def stop(self) -> None:
        """Stop following."""
        self._template.stop()
        if self._catalog:
            self._catalog.stop()
