"""Publishes a configuration: stage, test, swap, reload, check that it serves, or roll back."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import pathlib
import time

from ..routing import Site
from ..settings.model import Settings
from . import configuration
from .configuration import Paths
from .process import Nginx, Refused

log = logging.getLogger("nginx-lb")
_START_SECONDS, _RELOAD_SECONDS, _RETRY_SECONDS = 10.0, 5.0, 30.0


class Publisher:
    """The configuration that nginx serves: routes, settings and certificates, but no instances.

    `number` is the generation that serves, or that an earlier run served.
    """

    def __init__(self, nginx: Nginx, paths: Paths, number: int) -> None:
        """Serve nothing yet."""
        self._nginx = nginx
        self._paths = paths
        self._served_text = ""
        self._refused_text = ""
        self._refused_at: float | None = None
        self._rendered: _Rendered | None = None
        self._files: tuple[pathlib.Path, ...] = ()
        self._file_times: tuple[int, ...] = ()
        self.number = number
        self.rendered_at = time.monotonic()
        self.reloads = 0
        self.refusals = 0
        self.refused = ""

    def should_check(self) -> bool:
        """Whether to compare again without news: a certificate was renewed, or a retry is due."""
        retry = self._refused_at is not None and self._retry_due(self._refused_at)
        return retry or self._file_times != _modification_times(self._files)

    def serves(self, options: Settings, site: Site) -> bool:
        """Whether nginx serves exactly this configuration."""
        return self._text(options, site) == self._served_text

    def recently_refused(self, options: Settings, site: Site) -> bool:
        """Whether this configuration was refused, and its retry is not due yet."""
        waiting = self._refused_at is not None and not self._retry_due(self._refused_at)
        return waiting and self._text(options, site) == self._refused_text

    def test(self, options: Settings, site: Site) -> None:
        """Have nginx test the configuration of a site; change nothing. Refused if that fails."""
        self._nginx.stage(configuration.numbered(self._text(options, site), self.number + 1))

    def publish(self, options: Settings, site: Site) -> None:
        """Serve a site. Refused where that fails; the last good configuration then serves on."""
        try:
            self.activate(options, site)
        except Refused as error:
            self._refused_text = self._text(options, site)
            self._refused_at = time.monotonic()
            self.refusals += 1
            self.refused = str(error)
            raise

    def activate(self, options: Settings, site: Site) -> None:
        """Serve a site, and start nginx if needed. Refused where nginx does not serve it."""
        if self._nginx.pid is None:
            self._start(options, site)
        else:
            self._reload(options, site)
        self._nginx.keep()
        self.rendered_at = time.monotonic()
        self._served_text = self._text(options, site)
        self._refused_text = self.refused = ""
        self._refused_at = None

    def _start(self, options: Settings, site: Site) -> None:
        self.test(options, site)
        self._nginx.swap()
        self._nginx.start()
        self.number += 1
        if not self._nginx.serves(self.number, _START_SECONDS):
            raise Refused(f"nginx did not serve within {_START_SECONDS:.0f} s after its start")

    def _reload(self, options: Settings, site: Site) -> None:
        # An earlier life of this program may have started nginx, with a later generation.
        self.number = self._nginx.generation() or self.number
        if self._nginx.runs_with(configuration.numbered(self._text(options, site), self.number)):
            return
        self.test(options, site)
        self._nginx.swap()
        self._nginx.reload()
        if not self._nginx.serves(self.number + 1, _RELOAD_SECONDS):
            self._roll_back()
            raise Refused(f"the new configuration did not serve within {_RELOAD_SECONDS:.0f} s")
        if not self._nginx.has_replaced_workers(_RELOAD_SECONDS):
            log.warning("workers of generation %d still accept connections", self.number)
        self.number += 1
        self.reloads += 1

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

    def _text(self, options: Settings, site: Site) -> str:
        """The rendered configuration, cached for the same site and the same certificates.

        It ends with a digest of the certificates: a renewed one makes another configuration.
        """
        self._files = _certificate_files(options, self._paths)
        self._file_times = times = _modification_times(self._files)
        last = self._rendered
        if last and last.shows(options, site) and last.file_times == times:
            return last.text
        text = configuration.render(options, site, self._paths)
        if self._files:
            digest = hashlib.sha256()
            for path in self._files:
                digest.update(path.read_bytes() if path.exists() else b"")
            text += f"# certificates: {digest.hexdigest()}\n"
        self._rendered = _Rendered(options, site, times, text)
        return text


@dataclasses.dataclass(frozen=True)
class _Rendered:
    options: Settings
    site: Site
    file_times: tuple[int, ...]
    text: str

    def shows(self, options: Settings, site: Site) -> bool:
        """Whether this is the text for them. The values are frozen; instances are no part of it."""
        same = self.site is site or (
            self.site.upstreams == site.upstreams and self.site.routes == site.routes
        )
        return self.options is options and same


def _certificate_files(options: Settings, paths: Paths) -> tuple[pathlib.Path, ...]:
    folder = pathlib.Path(paths.certificates)
    names = [each.name for each in options.tls.certificates] if options.tls else []
    return tuple(folder / f"{name}.{kind}" for name in names for kind in ("pem", "key"))


def _modification_times(files: tuple[pathlib.Path, ...]) -> tuple[int, ...]:
    """When each file was written, 0 for a missing one."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
