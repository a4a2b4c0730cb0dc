"""consul-template as a child: it writes down what Consul says, and starts again if it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import subprocess
from collections.abc import Sequence

from ..settings.model import Consul, Settings
from . import consul_template

log = logging.getLogger("nginx-lb")
_FIRST_SECONDS, _MOST_SECONDS, _SETTLED_SECONDS = 0.25, 5.0, 30.0


class Follower:
    """Follows the services of some settings; `look` keeps it running."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Nothing is started yet; its files lie in `folder`."""
        self._configuration = folder / "consul-template.json"
        self._snapshot = folder / "snapshot.jsonl"
        self._process: subprocess.Popen[bytes] | None = None
        self._told = ("", "")
        self._pause = _FIRST_SECONDS
        self._started = 0.0
        self._not_before = 0.0

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child, None where none runs."""
        return self._process

    def tell(self, options: Settings) -> None:
        """Follow these settings' services; one that follows others is ended."""
        names = sorted({(each.name, bool(each.tag)) for each in options.services})
        text = self._configured(options.consul, names) if names else ""
        # It reads the token once: another one needs another start.
        told = (text, _token(options.consul))
        if told == self._told:
            return
        self.stop()
        self._told = told
        self._not_before = 0.0
        if text:
            self._configuration.write_text(text, encoding="utf-8")

    def look(self, now: float) -> None:
        """Start it when it should run and does not; seconds of the monotonic clock."""
        if self._process is not None and self._process.poll() is not None:
            self._ended(now)
        if self._process is None and self._told[0] and now >= self._not_before:
            self._start(now)

    def read(self) -> str | None:
        """What it wrote last; None before the first time."""
        with contextlib.suppress(OSError):
            return self._snapshot.read_text(encoding="utf-8", errors="replace")
        return None

    def stop(self) -> None:
        """End it and forget what it wrote: the next one is to say so anew."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self._snapshot.unlink(missing_ok=True)

    def _configured(self, consul: Consul, names: Sequence[tuple[str, bool]]) -> str:
        text = consul_template.template(names)
        return consul_template.configuration(consul, text, str(self._snapshot), os.getpid())

    def _start(self, now: float) -> None:
        # What lies there would be found unchanged, and nothing would be signalled.
        self._snapshot.unlink(missing_ok=True)
        self._started = now
        self._process = subprocess.Popen(
            ["consul-template", "-config", str(self._configuration)], process_group=0
        )

    def _ended(self, now: float) -> None:
        assert self._process is not None
        if now - self._started > _SETTLED_SECONDS:
            self._pause = _FIRST_SECONDS
        status = self._process.returncode
        log.warning("consul-template ended with status %s, again in %.2f s", status, self._pause)
        self._process = None
        self._not_before = now + self._pause
        self._pause = min(2 * self._pause, _MOST_SECONDS)


def _token(consul: Consul) -> str:
    """What the token's file holds, "" where there is none."""
    with contextlib.suppress(OSError):
        return pathlib.Path(consul.token_file).read_text() if consul.token_file else ""
    return ""
