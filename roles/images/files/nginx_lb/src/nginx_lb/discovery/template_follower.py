"""Runs consul-template as a child process that writes the followed services to a file.

Every value from Consul passes through toJSON: what containers register stays data.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import re
import subprocess
import threading
import time
from collections.abc import Sequence

from ..settings.model import Consul, Settings
from . import snapshot
from .consul_client import ConsulError
from .contact import Contact
from .snapshot import END
from .subscription import Report
from .threads import repeat

log = logging.getLogger("nginx-lb")
_NAME = "consul-template"
_FIRST_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS, _STABLE_SECONDS = 0.25, 5.0, 30.0
# A failed request is repeated after 2 s at most, and logged again if it fails again.
_RECOVERED_SECONDS = 5.0
_MAX_LINE_BYTES = 4096
_LINE = re.compile(r"\S+ \[[A-Z]+\] \((?P<part>\w+)\) (?P<text>.*?)(?: \(retry attempt .*)?")
# One object per line; the first is written even without instances: an empty service is known too.
_SERVICE = """\
{{"service":{name}}}
{{{{- range service "{plain}" }}}}
{{"service":{name},"id":{{{{ .ID | toJSON }}}},"address":{{{{ .Address | toJSON }}}},\
"port":{{{{ .Port | toJSON }}}},"weight":{{{{ .Weights.Passing | toJSON }}}}{tags}}}
{{{{- end }}}}
"""
_TAGS = ',"tags":{{ .Tags | toJSON }}'


class TemplateFollower:
    """Follows the services of the settings; `supervise` keeps consul-template running."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Start nothing yet; the files are written to `folder`."""
        self._configuration = folder / "consul-template.json"
        self._snapshot = folder / "snapshot.jsonl"
        self._process: subprocess.Popen[bytes] | None = None
        self._options: Settings | None = None
        self._following = ("", "")
        self._backoff = _FIRST_BACKOFF_SECONDS
        self._started = 0.0
        self._not_before = 0.0
        self._contact = Contact(_NAME)
        self._failed_at = float("-inf")

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child process, None while none runs."""
        return self._process

    @property
    def problem(self) -> str:
        """Why Consul is not heard, "" where it is."""
        return self._contact.problem

    def heard_age(self, now: float) -> float | None:
        """For how many seconds a query has failed; None before the first answer."""
        return self._contact.age(now) if self._following[0] else 0.0

    def follow(self, options: Settings) -> None:
        """Follow the services of these settings; a child that follows others is stopped."""
        self._options = options
        names = sorted({(each.name, bool(each.tag)) for each in options.services})
        text = self._configured(options.consul, names) if names else ""
        # consul-template reads the token once: a new token needs a restart.
        following = (text, _token(options.consul))
        if following == self._following:
            return
        self.stop()
        self._following = following
        self._not_before = 0.0
        self._contact, self._failed_at = Contact(_NAME), float("-inf")
        if text:
            self._configuration.write_text(text, encoding="utf-8")

    def supervise(self, now: float) -> None:
        """Start consul-template if it should run and does not; `now` is monotonic, in seconds."""
        if self._process is not None and self._process.poll() is not None:
            self._ended(now)
        if self._process is None and self._following[0] and now >= self._not_before:
            self._start(now)
        # It logs the requests that fail, and none that is answered.
        recovered = self._process is not None and now - self._failed_at > _RECOVERED_SECONDS
        if recovered and self._snapshot.exists():
            self._contact.heard(_NAME)

    def read(self) -> Report | None:
        """What consul-template wrote last; None before its first render."""
        networks = self._options.networks if self._options else ()
        try:
            text = self._snapshot.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        found = snapshot.parse(text, networks)
        if found is None:
            log.warning("the snapshot of consul-template is truncated")
            return None
        return Report(found)

    def stop(self) -> None:
        """Stop consul-template and remove what it wrote: the next one writes it again."""
        self._following = ("", "")
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
        text = template(names)
        return configuration(consul, text, str(self._snapshot), os.getpid())

    def _start(self, now: float) -> None:
        # consul-template signals nothing when the file on disk equals what it renders.
        self._snapshot.unlink(missing_ok=True)
        self._started = now
        # In the process group of the control process: the supervisor kills what is left of that.
        self._process = subprocess.Popen(
            ["consul-template", "-config", str(self._configuration)], stderr=subprocess.PIPE
        )
        self._follow_log(self._process)

    def _follow_log(self, process: subprocess.Popen[bytes]) -> None:
        """Log what the child says, and take notice of requests that fail, in another thread."""
        ended, contact, stream = threading.Event(), self._contact, process.stderr
        assert stream is not None

        def step() -> None:
            line = stream.readline(_MAX_LINE_BYTES)
            if not line:
                ended.set()
                stream.close()
            else:
                self._on_line(line.decode(errors="replace").rstrip(), contact)

        repeat(_NAME, step, ended, contact.failed)

    def _on_line(self, line: str, contact: Contact) -> None:
        found = _LINE.fullmatch(line)
        if found and found["part"] == "view":
            self._failed(found["text"], contact)
        # What fails is logged by two parts, and the runner does not say what it was.
        elif not found or found["part"] != "runner":
            log.warning("%s: %s", _NAME, line)

    def _failed(self, problem: str, contact: Contact) -> None:
        self._failed_at = time.monotonic()
        contact.failed(_NAME, ConsulError(_NAME, problem))

    def _ended(self, now: float) -> None:
        assert self._process is not None
        if now - self._started > _STABLE_SECONDS:
            self._backoff = _FIRST_BACKOFF_SECONDS
        self._failed(f"ended with status {self._process.returncode}", self._contact)
        self._process = None
        self._not_before = now + self._backoff
        self._backoff = min(2 * self._backoff, _MAX_BACKOFF_SECONDS)


def _token(consul: Consul) -> str:
    """The content of the token file, "" where there is none."""
    with contextlib.suppress(OSError):
        return pathlib.Path(consul.token_file).read_text() if consul.token_file else ""
    return ""


def template(services: Sequence[tuple[str, bool]]) -> str:
    """The template for services, each given by its name and whether its tags are needed."""
    lines = [
        _SERVICE.format(name=json.dumps(name), plain=name, tags=_TAGS if tags else "")
        for name, tags in services
    ]
    return "".join(lines) + json.dumps(END) + "\n"


def configuration(consul: Consul, text: str, destination: str, process: int) -> str:
    """The configuration of consul-template, which signals `process` after each render.

    0 attempts mean that it retries without end. Without a leader it accepts stale reads; the guard
    decides what to believe of them.
    """
    agent: dict[str, object] = {
        "address": f"{consul.scheme}://{consul.address}",
        "retry": {"enabled": True, "attempts": 0, "backoff": "250ms", "max_backoff": "2s"},
    }
    if consul.token_file:
        agent["token_file"] = consul.token_file
    if consul.scheme == "https":
        agent["ssl"] = {"enabled": True, "verify": True, "ca_cert": consul.ca_file}
    return json.dumps(
        {
            "consul": agent,
            "max_stale": "1h",
            "log_level": "warn",
            "kill_signal": "SIGTERM",
            "reload_signal": "",
            # Consul keeps the connections of a client that has ended until the wait is over.
            "block_query_wait": "10s",
            # A change of several services comes in one answer for each; a lone one waits for 5 ms.
            "wait": {"min": "5ms", "max": "100ms"},
            "template": [
                {
                    "contents": text,
                    "destination": destination,
                    "perms": 384,
                    "exec": {"command": [f"kill -USR1 {process}"], "timeout": "5s"},
                }
            ],
        }
    )
