"""Publishes a site: stage, test, swap, reload, check that it serves, or roll back."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import pathlib
import time
from collections.abc import Mapping

from ..model import Instances
from ..routing import Site
from ..settings.model import Settings
from . import configuration
from .configuration import Paths
from .generations import Generation, after_reload, living
from .process import Nginx, Refused

log = logging.getLogger("nginx-lb")
_START_SECONDS, _RELOAD_SECONDS, _RETRY_SECONDS = 10.0, 5.0, 30.0


class Publisher:
    """What nginx serves. `number` is the generation that serves, or that an earlier run served."""

    def __init__(self, nginx: Nginx, paths: Paths, number: int) -> None:
        """Serve nothing yet."""
        self._nginx = nginx
        self._paths = paths
        self._generations: tuple[Generation, ...] = ()
        self._served_fingerprint = ""
        self._refused_fingerprint = ""
        self._refused_at: float | None = None
        self._rendered: _Rendered | None = None
        self._files: tuple[pathlib.Path, ...] = ()
        self._file_times: tuple[int, ...] = ()
        self.number = number
        self.rendered_at = time.monotonic()
        self.reloads = 0
        self.refusals = 0
        self.refused = ""

    @property
    def generations(self) -> tuple[Generation, ...]:
        """The generations of which a worker runs, the one that serves last."""
        return living(self._generations, self._nginx.workers())

    @property
    def services(self) -> Mapping[str, Instances]:
        """The instances that are served."""
        return self._generations[-1].services if self._generations else {}

    def should_check(self) -> bool:
        """Whether to compare again without news: a certificate was renewed, or a retry is due."""
        retry = self._refused_at is not None and self._retry_due(self._refused_at)
        return retry or self._file_times != _modification_times(self._files)

    def serves(self, options: Settings, site: Site) -> bool:
        """Whether nginx serves exactly this site."""
        return self._fingerprint(options, site) == self._served_fingerprint

    def recently_refused(self, options: Settings, site: Site) -> bool:
        """Whether this site was refused, and its retry is not due yet."""
        waiting = self._refused_at is not None and not self._retry_due(self._refused_at)
        return waiting and self._fingerprint(options, site) == self._refused_fingerprint

    def update_services(self, services: Mapping[str, Instances]) -> None:
        """Replace the instances of the serving generation by equal ones with other IDs and tags."""
        latest = dataclasses.replace(self._generations[-1], services=services)
        self._generations = (*self._generations[:-1], latest)

    def test(self, options: Settings, site: Site) -> None:
        """Have nginx test the configuration of a site; change nothing. Refused if that fails."""
        text = self._render(options, site).text
        self._nginx.stage(configuration.numbered(text, self.number + 1))

    def publish(self, options: Settings, site: Site, services: Mapping[str, Instances]) -> None:
        """Serve a site. Refused where that fails; the last good configuration then serves on."""
        try:
            self.activate(options, site, services)
        except Refused as error:
            self._refused_fingerprint = self._fingerprint(options, site)
            self._refused_at = time.monotonic()
            self.refusals += 1
            self.refused = str(error)
            raise

    def activate(self, options: Settings, site: Site, services: Mapping[str, Instances]) -> None:
        """Serve a site, and start nginx if needed. Refused where nginx does not serve it."""
        self.test(options, site)
        self._nginx.swap()
        before = self._nginx.workers()
        if self._nginx.process is None:
            self._nginx.start()
            if not self._nginx.serves(self.number + 1, _START_SECONDS):
                raise Refused(f"nginx did not serve within {_START_SECONDS:.0f} s after its start")
        else:
            self._nginx.reload()
            if not self._nginx.serves(self.number + 1, _RELOAD_SECONDS):
                self._roll_back()
                raise Refused(f"the new configuration did not serve within {_RELOAD_SECONDS:.0f} s")
            self.reloads += 1
        self.number += 1
        self._nginx.keep()
        self.rendered_at = time.monotonic()
        self._generations = after_reload(
            self._generations, self.number, services, before, self._nginx.workers()
        )
        self._served_fingerprint = self._fingerprint(options, site)
        self._refused_fingerprint = self.refused = ""
        self._refused_at = None

    def _retry_due(self, refused_at: float) -> bool:
        """What was refused for lack of time or memory may succeed later."""
        return time.monotonic() - refused_at >= _RETRY_SECONDS

    def _roll_back(self) -> None:
        """Return to the last good configuration, also for the next start of nginx."""
        self._nginx.restore()
        self._nginx.reload()
        serves = self._nginx.serves(self.number, _RELOAD_SECONDS)
        outcome = "it serves" if serves else "it does not answer"
        log.error("rolled back to generation %d: %s", self.number, outcome)

    def _fingerprint(self, options: Settings, site: Site) -> str:
        """Identifies a configuration; a renewed certificate makes another one."""
        return self._render(options, site).fingerprint

    def _render(self, options: Settings, site: Site) -> _Rendered:
        """The rendered configuration, cached for the same site and the same certificates."""
        self._files = _certificate_files(options, self._paths)
        self._file_times = times = _modification_times(self._files)
        last = self._rendered
        # The values are frozen: the same object renders the same text.
        if last and last.options is options and last.site is site and last.file_times == times:
            return last
        text = configuration.render(options, site, self._paths)
        digest = hashlib.sha256(text.encode())
        for path in self._files:
            digest.update(path.read_bytes() if path.exists() else b"")
        self._rendered = _Rendered(options, site, times, text, digest.hexdigest())
        return self._rendered


@dataclasses.dataclass(frozen=True)
class _Rendered:
    options: Settings
    site: Site
    file_times: tuple[int, ...]
    text: str
    fingerprint: str


def _certificate_files(options: Settings, paths: Paths) -> tuple[pathlib.Path, ...]:
    folder = pathlib.Path(paths.certificates)
    names = [each.name for each in options.tls.certificates] if options.tls else []
    return tuple(folder / f"{name}.{kind}" for name in names for kind in ("pem", "key"))


def _modification_times(files: tuple[pathlib.Path, ...]) -> tuple[int, ...]:
    """When each file was written, 0 for a missing one."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
