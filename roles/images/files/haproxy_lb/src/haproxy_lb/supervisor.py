"""The main loop: checks and activates configurations, and keeps both processes running."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from rollcall_common.backoff import Backoff
from rollcall_common.log_once import LogOnce, error_text

from . import dns, files, haproxy
from .candidate_settings import (
    CandidateSettings,
    InvalidSettings,
    candidates,
    keys,
    ports,
    refused,
    resolver,
    server_state,
)

_POLL_SECONDS = 0.25
_STATE_INTERVAL_SECONDS = 2.0
_HOLD_INTERVAL_SECONDS = 1.0
_RESTART_SECONDS = 2.0
# hard-stop-after of HAProxy, and a little more.
_STOP_SECONDS = 35.0
# HAProxy does not say whether a refusal lasts: short memory, an occupied port and a bad snippet
# look alike, so each is tried again.
_RETRY_FIRST_SECONDS = 1.0
_RETRY_MOST_SECONDS = 60.0
# A reload that fails may have cost clients a second or two, so it is repeated seldom.
_RELOAD_RETRY_SECONDS = 600.0


def log(message: str) -> None:
    """Write a line to the log of the container."""
    print(f"haproxy-lb: {message}", flush=True)


@dataclasses.dataclass
class Supervisor:
    """Runs one HAProxy and one consul-template."""

    folders: files.Folders
    running: CandidateSettings = dataclasses.field(default_factory=CandidateSettings)
    tried: CandidateSettings = dataclasses.field(default_factory=CandidateSettings)
    keys: str = ""
    rendered: str = ""
    synced: bool = False
    reason: str = ""
    skipped: tuple[str, ...] = ()
    master: subprocess.Popen[bytes] | None = None
    template: subprocess.Popen[bytes] | None = None
    template_revision: str = ""
    stopping: bool = False
    template_due: float = 0.0
    state_due: float = 0.0
    hold: bool = False
    hold_due: float = 0.0
    retry_due: float = 0.0
    retry: Backoff = dataclasses.field(
        default_factory=lambda: Backoff(_RETRY_FIRST_SECONDS, _RETRY_MOST_SECONDS)
    )
    written: dict[str, Any] = dataclasses.field(default_factory=dict)
    once: LogOnce = dataclasses.field(default_factory=lambda: LogOnce(log))

    def run(self) -> int:
        """Serve until a signal; the exit status."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self.folders.run.mkdir(parents=True, exist_ok=True)
        self.running = self.tried = files.last_good(self.folders)
        self.keys = self.running.keys
        self.hold = self._must_hold(self.running)
        self._attempt(self._apply)
        if not self.running.balancer:
            log("HAProxy accepts no configuration, and there is no earlier one")
            return 65
        socket = self.folders.run / "master.sock"
        self.master = haproxy.start(self.folders.current, socket)
        ready = False
        while not self.stopping:
            if self.master.poll() is not None:
                log(f"HAProxy exited with status {self.master.returncode}")
                return 1
            self._attempt(self._run_template)
            self._attempt(self._read_keys)
            # Keys may arrive before HAProxy can reload: that would be a refusal.
            ready = ready or haproxy.answers(socket)
            if ready:
                self._attempt(self._end_hold_when_due)
                self._attempt(self._apply)
                self._save_state_when_due()
            self._attempt(self._write_status)
            time.sleep(_POLL_SECONDS)
        return self._end()

    def _stop(self, *_signal: object) -> None:
        self.stopping = True

    def _attempt(self, step: Callable[[], None]) -> None:
        """Take a step of the loop; HAProxy serves on where the system refuses what it needs."""
        name = step.__name__.strip("_")
        try:
            step()
        except OSError as error:
            text = error_text(error)
            self.once((name, text), f"{name} failed and is tried again: {text}")
        else:
            self.once.retain(lambda key: key[0] != name)

    def _apply(self) -> None:
        """Activate the first candidate that HAProxy accepts, if there is anything to try."""
        wanted = self._wanted()
        if wanted != self.tried:
            self.retry.succeed()
            self.once.retain(lambda key: key[0] != "refused")
        elif not self.reason or time.monotonic() < self.retry_due:
            return
        self.hold = self._must_hold(wanted)
        wanted = dataclasses.replace(wanted, hold=self.hold)
        self.tried, self.reason = wanted, ""
        wait = 0.0
        for candidate in candidates(wanted, self.running):
            try:
                self._activate(candidate)
                break
            # OSError: the volume may be full.
            except (haproxy.Refused, OSError) as error:
                text = error_text(error)
                self.reason = self.reason or text
                wait = _RELOAD_RETRY_SECONDS if isinstance(error, haproxy.ReloadFailed) else wait
                self.once(
                    ("refused", text), f"refused, the last good configuration serves on: {text}"
                )
        if self.reason:
            self.retry_due = time.monotonic() + max(wait, self.retry.fail())

    def _wanted(self) -> CandidateSettings:
        """The settings of the role and of the keys."""
        wanted = files.wanted(self.folders, self.keys)
        if wanted.revision in ("", self.tried.revision):
            # The role writes the revision last: until then its files are incomplete.
            wanted = dataclasses.replace(self.tried, keys=self.keys)
        return dataclasses.replace(wanted, hold=self.hold)

    def _must_hold(self, settings: CandidateSettings) -> bool:
        """Whether new workers would drop the known instances: Consul's DNS knows none just now."""
        asked = resolver(settings)
        return bool(files.text(self.folders.servers) and asked and not dns.knows(*asked))

    def _end_hold_when_due(self) -> None:
        """Return to the usual settings, and so to a reload, when Consul's DNS is back."""
        if self.hold and time.monotonic() >= self.hold_due:
            self.hold_due = time.monotonic() + _HOLD_INTERVAL_SECONDS
            self.hold = self._must_hold(self.running)

    def _activate(self, candidate: CandidateSettings) -> None:
        haproxy.check(files.stage(self.folders, candidate))
        haproxy.check_ports(ports(candidate) - (ports(self.running) if self.master else set()))
        self._save_state()
        number = files.last_number(self.folders) + 1
        files.activate(self.folders, number)
        if self.master:
            try:
                haproxy.reload(self.folders.run / "master.sock")
            except haproxy.ReloadFailed:
                files.revert(self.folders)
                raise
        files.remove_others(self.folders)
        self.running = candidate
        log(f"generation {number} serves")

    def _read_keys(self) -> None:
        """Read what consul-template has rendered, if it has changed."""
        if not self.folders.rendered.exists():
            return
        text = files.text(self.folders.rendered)
        if self.synced and text == self.rendered:
            return
        self.rendered, self.synced = text, True
        try:
            self.keys = keys(text)
        except InvalidSettings as error:
            log(f"the settings from the keys stay unchanged: {error}")
        new = refused(text)
        for each in new:
            if each not in self.skipped:
                log(f"skipped {each}")
        self.skipped = new

    def _run_template(self) -> None:
        """Keep one consul-template running, with the configuration of the current revision."""
        revision = self.tried.revision
        ended = self.template is None or self.template.poll() is not None
        if self.template and not ended and revision != self.template_revision:
            # It has no state that needs a graceful stop.
            self.template.kill()
            self.template.wait()
            # Only the output of the new process counts as synced.
            self.folders.rendered.unlink(missing_ok=True)
            ended, self.synced, self.template_due = True, False, 0.0
        if ended and time.monotonic() >= self.template_due:
            conf = self.folders.conf / "follower.json"
            self.template = subprocess.Popen(["consul-template", "-config", str(conf)])
            self.template_revision = revision
            self.template_due = time.monotonic() + _RESTART_SECONDS

    def _save_state_when_due(self) -> None:
        if time.monotonic() >= self.state_due:
            self.state_due = time.monotonic() + _STATE_INTERVAL_SECONDS
            self._save_state()

    def _save_state(self) -> None:
        """Write the server state file for the next workers."""
        if not self.master:
            return
        with contextlib.suppress(OSError):
            dump = haproxy.command(self.folders.run / "admin.sock", "show servers state")
            text = server_state(dump)
            if text != files.text(self.folders.servers):
                files.write(self.folders.servers, text)

    def _write_status(self) -> None:
        """Write the status for `haproxy-lb wait` and `haproxy-lb status`, if it has changed."""
        status = {
            "offered_revision": self.tried.revision,
            "revision": self.running.revision,
            "reason": self.reason,
            "synced": self.synced,
            "skipped": self.skipped,
        }
        if status != self.written:
            files.write_status(self.folders, status)
            self.written = status

    def _end(self) -> int:
        """Let HAProxy finish its requests, then stop."""
        if self.template:
            self.template.kill()
        if self.master:
            self.master.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.master.wait(_STOP_SECONDS)
        return 0


def wait(folders: files.Folders, revision: str, seconds: float, *, consul: bool) -> int:
    """Wait until a revision serves; 0 then, else 1 after printing the reason."""
    deadline = time.monotonic() + seconds
    while True:
        state = json.loads(files.text(folders.status) or "{}")
        offered = state.get("offered_revision") == revision
        if offered and state["reason"]:
            print(f"HAProxy refuses its settings, the last good ones serve on: {state['reason']}")
            return 1
        serves = offered and state["revision"] == revision
        if serves and (state["synced"] or not consul):
            return 0
        if time.monotonic() >= deadline:
            problem = "is not synced with Consul" if serves else "has not read its settings"
            print(f"After {seconds:g} s the balancer {problem}: see docker logs")
            return 1
        time.sleep(0.2)
