"""Who is followed, and what was last heard: the inventory's services, and discovered ones."""

from __future__ import annotations

import logging
import pathlib
import subprocess
from collections.abc import Callable

from ..settings.model import Settings
from . import snapshot
from .catalog_follower import CatalogFollower
from .snapshot import Skip, Snapshot
from .template_follower import Follower

log = logging.getLogger("nginx-lb")


class Following:
    """Both followers. consul-template's signal calls `read_declared`, from the loop."""

    def __init__(self, folder: pathlib.Path, changed: Callable[[], None]) -> None:
        """Nobody is followed yet; `changed` is called, by another thread, for `read_discovered`."""
        self._follower = Follower(folder)
        self._catalog: CatalogFollower | None = None
        self._changed = changed
        self._options = Settings(services=())
        self.declared: Snapshot | None = None
        self.discovered: Snapshot | None = None
        self.skipped_total = 0

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """consul-template, None where it does not run."""
        return self._follower.process

    @property
    def heard(self) -> bool:
        """Whether Consul has said what runs since the settings came into use."""
        options = self._options
        declared = self.declared is not None or not options.services
        return declared and (self.discovered is not None or options.discover is None)

    @property
    def skipped(self) -> tuple[Skip, ...]:
        """What was left out of what was heard."""
        return tuple(
            skip for each in (self.declared, self.discovered) if each for skip in each.skipped
        )

    def follow(self, options: Settings) -> None:
        """Follow whom these settings name; what was heard before is forgotten."""
        self._options = options
        self.declared = self.discovered = None
        self._follower.tell(options)
        if self._follower.read() is not None:
            # It follows the same services as before, and says nothing again until they change.
            self.read_declared()
        if self._catalog:
            self._catalog.stop()
        self._catalog = None
        if options.discover:
            self._catalog = CatalogFollower(options.consul, options.discover.tag, self._changed)

    def begin_anew(self) -> None:
        """Follow the same ones in a catalog that was born anew.

        A query would wait for an index that the new catalog does not reach for long.
        """
        self._follower.stop()
        self.follow(self._options)

    def look(self, now: float) -> None:
        """Keep consul-template running; seconds of the monotonic clock."""
        self._follower.look(now)

    def read_declared(self) -> None:
        """Take over what consul-template wrote."""
        text = self._follower.read()
        found = snapshot.parse(text, self._options.networks) if text is not None else None
        if found is None:
            log.warning("consul-template wrote something that is not whole")
            return
        self.declared = found
        self.skipped_total += found.skipped_count

    def read_discovered(self) -> None:
        """Take over what the catalog holds."""
        entries = self._catalog.read() if self._catalog else None
        if entries is not None:
            self.discovered = snapshot.collect(entries, self._options.networks)
            self.skipped_total += self.discovered.skipped_count

    def stop(self) -> None:
        """Follow nobody any more."""
        self._follower.stop()
        if self._catalog:
            self._catalog.stop()
