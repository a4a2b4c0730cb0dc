"""The loop: what the role and Consul's keys ask for is checked, used, and told."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import subprocess
import time

from . import disk, haproxy
from .offer import Offer, Unsound, candidates, keys, refused, server_state

_PAUSE_SECONDS = 0.25
_STATE_SECONDS = 2.0
_FOLLOWER_SECONDS = 2.0
# As long as HAProxy itself gives its old workers, and a little more.
_STOP_SECONDS = 35.0


def say(sentence: str) -> None:
    """A line of the container's log."""
    print(f"haproxy-lb: {sentence}", flush=True)


@dataclasses.dataclass
class Keeper:
    """One HAProxy and one consul-template."""

    folders: disk.Folders
    running: Offer = dataclasses.field(default_factory=Offer)
    tried: Offer = dataclasses.field(default_factory=Offer)
    keys: str = ""
    rendered: str = ""
    heard: bool = False
    reason: str = ""
    skipped: tuple[str, ...] = ()
    master: subprocess.Popen[bytes] | None = None
    follower: subprocess.Popen[bytes] | None = None
    follows: str = ""
    stopping: bool = False
    follower_due: float = 0.0
    state_due: float = 0.0

    def run(self) -> int:
        """Serve until a signal; the container's exit status."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self.folders.run.mkdir(parents=True, exist_ok=True)
        self.running = disk.kept(self.folders)
        self.keys = self.running.keys
        self._apply()
        if not self.running.balancer:
            say("there is no configuration that HAProxy takes, and none that served before")
            return 65
        socket = self.folders.run / "master.sock"
        self.master = haproxy.start(self.folders.current, socket)
        ready = False
        while not self.stopping:
            if self.master.poll() is not None:
                say(f"HAProxy has ended with status {self.master.returncode}")
                return 1
            self._follow()
            self._hear()
            # Consul's keys may be here first: what HAProxy refuses is not offered to it again.
            ready = ready or haproxy.answers(socket)
            if ready:
                self._apply()
                self._remember()
            time.sleep(_PAUSE_SECONDS)
        return self._end()

    def _stop(self, *_signal: object) -> None:
        self.stopping = True

    def _apply(self) -> None:
        """Use the best that HAProxy takes of what is asked for, if anything new is."""
        wanted = disk.wanted(self.folders, self.keys)
        if wanted == self.tried:
            return
        if wanted.revision == self.tried.revision:
            # The role writes the revision last: until then its other files are half a change.
            wanted = dataclasses.replace(self.tried, keys=self.keys)
            if wanted == self.tried:
                return
        self.tried, self.reason = wanted, ""
        for offer in candidates(wanted, self.running):
            try:
                self._use(offer)
                break
            # A volume that is full is as good a reason as HAProxy's own.
            except (haproxy.Refused, OSError) as error:
                self.reason = self.reason or str(error)
                say(f"refused, the last good configuration serves on: {error}")
        self._tell()

    def _use(self, offer: Offer) -> None:
        haproxy.check(disk.stage(self.folders, offer))
        self._dump()
        before = self.running
        number = disk.last_number(self.folders) + 1
        disk.use(self.folders, number)
        if self.master:
            try:
                haproxy.reload(self.folders.run / "master.sock")
            except (haproxy.Refused, OSError) as error:
                disk.stage(self.folders, before)
                disk.use(self.folders, number + 1)
                raise haproxy.Refused(str(error)) from error
        self.running = offer
        say(f"generation {number} serves")

    def _hear(self) -> None:
        """Take what consul-template has rendered since."""
        if not self.folders.rendered.exists():
            return
        text = disk.text(self.folders.rendered)
        if self.heard and text == self.rendered:
            return
        self.rendered, self.heard = text, True
        try:
            self.keys = keys(text)
        except Unsound as error:
            say(f"what the keys say is left as it was: {error}")
        new = refused(text)
        for sentence in new:
            if sentence not in self.skipped:
                say(f"skipped {sentence}")
        self.skipped = new
        self._tell()

    def _follow(self) -> None:
        """Have one consul-template run, with what the role says now."""
        revision = self.tried.revision
        ended = self.follower is None or self.follower.poll() is not None
        if self.follower and not ended and revision != self.follows:
            # It holds nothing that needs an orderly end.
            self.follower.kill()
            self.follower.wait()
            # Only what the new one renders counts as heard.
            self.folders.rendered.unlink(missing_ok=True)
            ended, self.heard, self.follower_due = True, False, 0.0
        if ended and time.monotonic() >= self.follower_due:
            conf = self.folders.conf / "follower.json"
            self.follower = subprocess.Popen(["consul-template", "-config", str(conf)])
            self.follows = revision
            self.follower_due = time.monotonic() + _FOLLOWER_SECONDS

    def _remember(self) -> None:
        if time.monotonic() >= self.state_due:
            self.state_due = time.monotonic() + _STATE_SECONDS
            self._dump()

    def _dump(self) -> None:
        """Keep the addresses for the workers that come next."""
        if not self.master:
            return
        with contextlib.suppress(OSError):
            dump = haproxy.ask(self.folders.run / "admin.sock", "show servers state")
            text = server_state(dump)
            if text != disk.text(self.folders.servers):
                disk.write(self.folders.servers, text)

    def _tell(self) -> None:
        disk.tell(
            self.folders,
            {
                "asked": self.tried.revision,
                "revision": self.running.revision,
                "reason": self.reason,
                "heard": self.heard,
                "skipped": self.skipped,
            },
        )

    def _end(self) -> int:
        """Let requests end, then stop."""
        if self.follower:
            self.follower.kill()
        if self.master:
            self.master.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.master.wait(_STOP_SECONDS)
        return 0


def wait(folders: disk.Folders, revision: str, seconds: float, *, consul: bool) -> int:
    """Wait until a revision serves; 0 then, else 1 after a sentence that says why not."""
    deadline = time.monotonic() + seconds
    while True:
        state = json.loads(disk.text(folders.told) or "{}")
        asked = state.get("asked") == revision
        if asked and state["reason"]:
            print(f"HAProxy refuses its settings, the last good ones serve on: {state['reason']}")
            return 1
        serves = asked and state["revision"] == revision
        if serves and (state["heard"] or not consul):
            return 0
        if time.monotonic() >= deadline:
            what = "it has not heard from Consul" if serves else "it has not read its settings"
            print(f"In {seconds:g} s {what}: docker logs says more")
            return 1
        time.sleep(0.2)
