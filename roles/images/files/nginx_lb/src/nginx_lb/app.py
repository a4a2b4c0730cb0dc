"""The loop: what Consul says is judged, planned and published; what the operator says, too."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import pathlib
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping

from . import routing as site
from .discovery.service_discovery import Following
from .discovery.snapshot import Skip
from .nginx import children
from .nginx.configuration import Paths
from .nginx.process import Nginx, Refused
from .nginx.publisher import Publisher
from .nginx.reload_rate import Pace
from .protection import store
from .protection.guard import Record
from .protection.heartbeat import Heartbeat
from .protection.leader_check import Pulse, Witness
from .protection.served_state import Ledger
from .routing import Site
from .settings.file import Offer, SettingsFile
from .settings.model import Settings
from .status.status_report import Report
from .status.status_server import StatusServer

log = logging.getLogger("nginx-lb")
_LOOK_SECONDS = 1.0
_STALE_SECONDS = 15.0
_ACCEPT_SECONDS = 10.0


@dataclasses.dataclass
class _Request:
    """The operator vouches for what Consul says of a service, "" for all."""

    service: str
    done: threading.Event = dataclasses.field(default_factory=threading.Event)
    names: list[str] = dataclasses.field(default_factory=list)


_Word = Pulse | _Request | str


class Daemon:
    """The balancer in one process; `volume` outlives it, the run folder of `paths` does not."""

    def __init__(self, file: SettingsFile, volume: pathlib.Path, paths: Paths) -> None:
        """Nothing is started yet."""
        self._file = file
        self._run = pathlib.Path(paths.run)
        self._state_path = volume / "state.json"
        state = store.load(self._state_path)
        self._holders = state.holders
        self._kept: Mapping[str, Record] = {}
        self._ledger = Ledger(state.records)
        self._nginx = Nginx(volume, self._run)
        self._inbox: queue.SimpleQueue[_Word] = queue.SimpleQueue()
        self._following = Following(self._run, lambda: self._inbox.put("catalog"))
        self._publisher = Publisher(self._nginx, paths, state.generation)
        self._pulse = Pulse(False)
        self._contact: float | None = None
        self._skipped: tuple[Skip, ...] = ()
        self._offered = ""
        self._settings_refused = ""
        self._pending = False
        self._stopping = False
        self._servers: list[StatusServer] = []
        offer = file.first()
        self._offer = offer
        self._options = offer.options or file.accepted(None)
        self._pace = Pace(0.0, 0.0)
        self._heartbeat: Heartbeat | None = None
        self._witness = Witness(self._options.consul)

    # What other threads ask

    def report(self) -> Report:
        """How things are now."""
        # Read first: what is not pending by now is in all that is read after it.
        pending = self._pending
        now = time.monotonic()
        contact = self._contact
        publisher = self._publisher
        return Report(
            generation=publisher.number,
            generations=publisher.generations,
            services=publisher.services,
            holds=self._ledger.holds,
            skipped=self._skipped,
            skipped_total=self._following.skipped_total,
            reloads=publisher.reloads,
            refusals=publisher.refusals,
            render_age=now - publisher.rendered_at,
            contact_age=None if contact is None else now - contact,
            stale_after=_STALE_SECONDS,
            trouble=self._pulse.trouble,
            refused=publisher.refused,
            revision=self._options.revision,
            offered_revision=self._offered,
            settings_refused=self._settings_refused,
            pending=pending,
            heard=self._following.heard,
        )

    def stub_status(self) -> str | None:
        """nginx's own counters."""
        return self._nginx.ask("/stub_status")

    def accept(self, service: str) -> list[str]:
        """Believe Consul about a held service, "" for all; the names that were held."""
        request = _Request(service)
        self._inbox.put(request)
        request.done.wait(_ACCEPT_SECONDS)
        return request.names

    # The life of the process

    def run(self) -> int:
        """Serve until told to stop or nginx ends; the status to exit with."""
        for number, word in (
            (signal.SIGTERM, "stop"),
            (signal.SIGINT, "stop"),
            (signal.SIGQUIT, "stop"),
            (signal.SIGHUP, "settings"),
            (signal.SIGUSR1, "snapshot"),
            (signal.SIGCHLD, "child"),
        ):
            signal.signal(number, self._teller(word))
        try:
            self._start()
        except Refused as error:
            log.error("%s", error)
            return 1
        while not self._stopping and self._nginx_lives():
            self._turn()
        return self._stop()

    def _teller(self, word: str) -> Callable[[int, object], None]:
        """A handler that only leaves word: SimpleQueue may be put to while it is waited on."""
        return lambda *_: self._inbox.put(word)

    def _nginx_lives(self) -> bool:
        process = self._nginx.process
        return process is not None and process.poll() is None

    def _start(self) -> None:
        """Serve what was served last, before Consul is asked anything."""
        offer = self._offer
        self._offered, self._settings_refused = offer.revision, offer.problem
        plan = self._prepare(self._options)
        try:
            self._publisher.try_out(self._options, plan)
            if offer.options:
                self._file.accept(offer)
        except Refused as error:
            self._settings_refused = str(error)
            self._options = self._file.accepted(self._options)
            plan = self._prepare(self._options)
        if self._settings_refused:
            log.error("settings refused: %s", self._settings_refused)
        self._listen(self._run / "status.sock")
        self._listen(self._run / "control.sock", control=True)
        self._publisher.put(self._options, plan, self._ledger.instances)
        self._after_publishing(plan)
        self._adopt(self._options)

    def _prepare(self, options: Settings) -> Site:
        """The site that these settings make of what is served."""
        self._ledger.records = site.still_served(options, self._ledger.records)
        self._pace = Pace(options.reload.calm_seconds, options.reload.churn_seconds)
        return self._plan(options)

    def _adopt(self, options: Settings) -> None:
        """Follow whom the settings name, and tell where they say."""
        self._options = options
        self._following.follow(options)
        if self._heartbeat:
            self._heartbeat.stop()
        self._witness.close()
        self._heartbeat = Heartbeat(options.consul, self._inbox.put)
        self._witness = Witness(options.consul)
        for server in self._servers[2:]:
            server.close()
        del self._servers[2:]
        if options.status_port:
            self._listen((options.status_address, options.status_port))

    def _listen(self, address: tuple[str, int] | pathlib.Path, *, control: bool = False) -> None:
        try:
            self._servers.append(StatusServer(self, address, control=control))
        except OSError as error:
            log.error("no status at %s: %s", address, error)

    def _stop(self) -> int:
        """Let nginx answer what it has begun; its status."""
        if self._heartbeat:
            self._heartbeat.stop()
        self._following.stop()
        process = self._nginx.process
        assert process is not None
        if not self._stopping:
            log.error("nginx ended by itself with status %s", process.returncode)
            return process.returncode or 1
        self._nginx.quit()
        return process.wait()

    # One turn of the loop

    def _turn(self) -> None:
        news = [self._hear(word) for word in self._gather()]
        processes = (self._nginx.process, self._following.process)
        children.reap([process.pid for process in processes if process is not None])
        self._following.look(time.monotonic())
        if self._stopping:
            return
        self._look_at_settings()
        if any(news) or self._ledger.holds or self._pending or self._publisher.may_want():
            self._consider(None)

    def _gather(self) -> list[_Word]:
        """Everything that came in, after the first or when it is time to look around."""
        now = time.monotonic()
        seconds = min(_LOOK_SECONDS, max(0.0, self._pace.due() - now) if self._pending else 60.0)
        found: list[_Word] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._inbox.get(timeout=seconds))
            while True:
                found.append(self._inbox.get_nowait())
        return found

    def _hear(self, word: _Word) -> bool:
        """Whether it may change what is served."""
        if isinstance(word, Pulse):
            return self._feel(word)
        if isinstance(word, _Request):
            self._consider(word)
        elif word == "snapshot":
            self._following.read_declared()
        elif word == "catalog":
            self._following.read_discovered()
        elif word == "stop":
            self._stopping = True
        return word in ("snapshot", "catalog")

    def _feel(self, pulse: Pulse) -> bool:
        """Whether the catalog is another one than before."""
        if pulse.leader:
            self._contact = time.monotonic()
        if pulse.trouble != self._pulse.trouble:
            log.warning("%s", pulse.trouble or "Consul has a leader again")
        self._pulse = pulse
        reborn = bool(pulse.birth) and pulse.birth != self._ledger.birth
        if reborn and self._ledger.birth:
            log.warning("Consul's catalog was born anew")
            self._following.begin_anew()
        # A cluster that does not answer is still the one that it was.
        self._ledger.birth = pulse.birth or self._ledger.birth
        return reborn

    def _look_at_settings(self) -> None:
        offer = self._file.changed()
        if offer is None:
            return
        self._offered = offer.revision
        self._settings_refused = offer.problem or self._unfit(offer)
        if self._settings_refused:
            log.error("settings refused, the old ones stay: %s", self._settings_refused)

    def _unfit(self, offer: Offer) -> str:
        """Take the offered settings into use; why they cannot be, "" where they are."""
        options = offer.options
        assert options is not None
        records, pace = self._ledger.records, self._pace
        plan = self._prepare(options)
        try:
            if not self._publisher.serves(options, plan, self._ledger.instances):
                self._publisher.publish(options, plan, self._ledger.instances)
        except Refused as error:
            self._ledger.records, self._pace = records, pace
            return str(error)
        self._options = options
        self._after_publishing(plan)
        self._file.accept(offer)
        self._adopt(options)
        log.info("settings %s in use", offer.revision or "without a revision")
        return ""

    # Judging and publishing

    def _consider(self, request: _Request | None) -> None:
        """Judge what Consul says now and serve what comes of it."""
        accepted = request.service if request else None
        forced = self._ledger.judge(self._options, self._following, self._witness, accepted)
        if request:
            request.names = forced
            request.done.set()
        plan = self._plan(self._options)
        self._tell_skipped(plan)
        self._pending = not self._publisher.serves(
            self._options, plan, self._ledger.instances
        ) and not self._publisher.refuses(self._options, plan)
        if self._pending and time.monotonic() >= self._pace.due():
            self._publish(plan)
        elif self._ledger.records != self._kept:
            self._keep()

    def _plan(self, options: Settings) -> Site:
        return site.plan(options, self._ledger.instances, self._holders)

    def _tell_skipped(self, plan: Site) -> None:
        skipped = (*self._following.skipped, *plan.skipped)
        for skip in skipped:
            if skip not in self._skipped:
                log.warning("skipped %s: %s", skip.service, skip.reason)
        self._skipped = skipped

    def _publish(self, plan: Site) -> None:
        try:
            self._publisher.publish(self._options, plan, self._ledger.instances)
        except Refused as error:
            log.error("refused, generation %d stays: %s", self._publisher.number, error)
            self._pending = False
            return
        self._after_publishing(plan)

    def _after_publishing(self, plan: Site) -> None:
        self._pending = False
        self._pace = self._pace.reloaded(time.monotonic())
        self._holders = plan.holders
        services = self._publisher.services
        counts = ", ".join(f"{name} {len(each)}" for name, each in sorted(services.items()))
        log.info("generation %d serves: %s", self._publisher.number, counts or "no service")
        self._keep()

    def _keep(self) -> None:
        """Write down what the next start begins with."""
        self._kept = self._ledger.records
        try:
            state = store.State(self._publisher.number, self._kept, self._holders)
            store.save(self._state_path, state)
        except OSError as error:
            log.error("the state is not kept: %s", error)
