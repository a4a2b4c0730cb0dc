"""Puts a site into service: staged, tested, swapped, reloaded, seen to serve, or taken back."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import pathlib
import time
from collections.abc import Mapping

from ..discovery.snapshot import Instances
from ..routing import Site
from ..settings.model import Settings
from . import configuration as nginx_conf
from .configuration import Paths
from .generations import Generation, after_reload, living
from .process import Nginx, Refused

log = logging.getLogger("nginx-lb")
_START_SECONDS, _SERVE_SECONDS, _REFUSED_SECONDS = 10.0, 5.0, 30.0


class Publisher:
    """What nginx serves. `number` is the last generation that an earlier run served."""

    def __init__(self, nginx: Nginx, paths: Paths, number: int) -> None:
        """Nothing is served yet."""
        self._nginx = nginx
        self._paths = paths
        self._generations: tuple[Generation, ...] = ()
        self._refused_print = ""
        self._refused_at: float | None = None
        self._made: _Made | None = None
        self._watched: tuple[pathlib.Path, ...] = ()
        self._seen: tuple[int, ...] = ()
        self.number = number
        self.fingerprint = ""
        self.rendered_at = time.monotonic()
        self.reloads = 0
        self.refusals = 0
        self.refused = ""

    @property
    def generations(self) -> tuple[Generation, ...]:
        """Those of which a worker lives, the one that serves last."""
        return living(self._generations, self._nginx.workers())

    @property
    def services(self) -> Mapping[str, Instances]:
        """The instances that are served."""
        return self._generations[-1].services if self._generations else {}

    def may_want(self) -> bool:
        """Whether to look without news: a certificate was renewed, or a refusal is long ago."""
        waited = self._refused_at is not None and self._over(self._refused_at)
        return waited or self._seen != _times(self._watched)

    def serves(self, options: Settings, site: Site, services: Mapping[str, Instances]) -> bool:
        """Whether what serves is this site; then it serves these instances."""
        if self._print(options, site) != self.fingerprint:
            return False
        latest = dataclasses.replace(self._generations[-1], services=services)
        self._generations = (*self._generations[:-1], latest)
        return True

    def refuses(self, options: Settings, site: Site) -> bool:
        """Whether this site was refused a moment ago: it is tried again later."""
        refused = self._refused_at is not None and not self._over(self._refused_at)
        return refused and self._print(options, site) == self._refused_print

    def try_out(self, options: Settings, site: Site) -> None:
        """Have nginx read what a site would make, and change nothing. Refused if it won't."""
        self._stage(options, site)

    def publish(self, options: Settings, site: Site, services: Mapping[str, Instances]) -> None:
        """Serve a site. Refused, with the last good configuration serving, where that fails."""
        try:
            self.put(options, site, services)
        except Refused as error:
            self._refused_print = self._print(options, site)
            self._refused_at = time.monotonic()
            self.refusals += 1
            self.refused = str(error)
            raise

    def put(self, options: Settings, site: Site, services: Mapping[str, Instances]) -> None:
        """Serve a site, started if need be. Refused where nginx does not take it or serve it."""
        self._stage(options, site)
        self._nginx.swap()
        before = self._nginx.workers()
        if self._nginx.process is None:
            self._nginx.start()
            if not self._nginx.serves(self.number + 1, _START_SECONDS):
                raise Refused(f"nginx does not serve {_START_SECONDS:.0f} s after its start")
        else:
            self._nginx.reload()
            if not self._nginx.serves(self.number + 1, _SERVE_SECONDS):
                self._return()
                raise Refused(f"the new configuration did not serve within {_SERVE_SECONDS:.0f} s")
            self.reloads += 1
        self.number += 1
        self._nginx.keep()
        self.rendered_at = time.monotonic()
        self._generations = after_reload(
            self._generations, self.number, services, before, self._nginx.workers()
        )
        self.fingerprint = self._print(options, site)
        self._refused_print = self.refused = ""
        self._refused_at = None

    def _over(self, then: float) -> bool:
        """What was refused for want of time or memory may do later."""
        return time.monotonic() - then >= _REFUSED_SECONDS

    def _stage(self, options: Settings, site: Site) -> None:
        text, _fingerprint = self._rendered(options, site)
        self._nginx.stage(nginx_conf.numbered(text, self.number + 1))

    def _return(self) -> None:
        """Back to the last good configuration, for the running nginx and for the next one."""
        self._nginx.restore()
        self._nginx.reload()
        back = self._nginx.serves(self.number, _SERVE_SECONDS)
        log.error("back to generation %d: %s", self.number, "it serves" if back else "no answer")

    def _print(self, options: Settings, site: Site) -> str:
        """What tells two configurations apart; a renewed certificate is another one."""
        return self._rendered(options, site)[1]

    def _rendered(self, options: Settings, site: Site) -> tuple[str, str]:
        """The text and its fingerprint, made once for a site and its certificates."""
        self._watched = _certificate_files(options, self._paths)
        self._seen = _times(self._watched)
        made = self._made
        if made is None or made.of != (id(options), id(site), self._seen):
            text = nginx_conf.render(options, site, self._paths)
            digest = hashlib.sha256(text.encode())
            for path in self._watched:
                digest.update(path.read_bytes() if path.exists() else b"")
            key = (id(options), id(site), self._seen)
            made = self._made = _Made(key, (options, site), text, digest.hexdigest())
        return made.text, made.fingerprint


@dataclasses.dataclass(frozen=True)
class _Made:
    """A rendered text; `whole` keeps alive what the identities in `of` stand for."""

    of: tuple[int, int, tuple[int, ...]]
    whole: tuple[Settings, Site]
    text: str
    fingerprint: str


def _certificate_files(options: Settings, paths: Paths) -> tuple[pathlib.Path, ...]:
    folder = pathlib.Path(paths.certificates)
    names = [each.name for each in options.tls.certificates] if options.tls else []
    return tuple(folder / f"{name}.{kind}" for name in names for kind in ("pem", "key"))


def _times(files: tuple[pathlib.Path, ...]) -> tuple[int, ...]:
    """When each was written, 0 for one that is missing."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
