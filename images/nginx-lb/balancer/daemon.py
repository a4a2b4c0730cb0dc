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
from collections.abc import Set as AbstractSet

from . import children, guard, site, snapshot, store
from .catalog_follower import CatalogFollower
from .follower import Follower
from .guard import Evidence, Hold, Record, Verdict
from .heartbeat import Heartbeat
from .nginx import Nginx, Refused
from .nginx_conf import Paths
from .pace import Pace
from .publisher import Publisher
from .settings import Settings
from .settings_file import Offer, SettingsFile
from .site import Site
from .snapshot import Instances, Skip, Snapshot
from .status_server import StatusServer
from .telling import Report
from .witness import Pulse, Wanted, Witness

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


class Daemon:
    """The balancer in one process; `volume` outlives it, `run` does not."""

    def __init__(self, file: SettingsFile, volume: pathlib.Path, paths: Paths) -> None:
        """Nothing is started yet."""
        self._file = file
        self._run = pathlib.Path(paths.run)
        self._paths = paths
        self._state_path = volume / "state.json"
        state = store.load(self._state_path)
        self._records: Mapping[str, Record] = state.records
        self._holders = state.holders
        self._holds: Mapping[str, Hold] = {}
        self._nginx = Nginx(volume, self._run)
        self._publisher = Publisher(self._nginx, paths, state.generation)
        self._follower = Follower(self._run)
        self._inbox: queue.SimpleQueue[Pulse | _Request | str] = queue.SimpleQueue()
        self._pulse = Pulse(False)
        self._contact: float | None = None
        # What Consul says of the inventory's services, and of those that present themselves.
        self._declared: Snapshot | None = None
        self._discovered: Snapshot | None = None
        self._catalog: CatalogFollower | None = None
        self._skipped: tuple[Skip, ...] = ()
        self._skipped_total = 0
        self._offered = ""
        self._settings_refused = ""
        self._pending = False
        self._stopping = False
        self._servers: list[StatusServer] = []
        self._heartbeat: Heartbeat | None = None
        self._witness: Witness | None = None

    # What other threads ask

    def report(self) -> Report:
        """How things are now."""
        now = time.monotonic()
        contact = self._contact
        publisher = self._publisher
        return Report(
            generation=publisher.number,
            generations=publisher.generations,
            services=publisher.services,
            holds=self._holds,
            skipped=self._skipped,
            skipped_total=self._skipped_total,
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
            data_plane=self._options.data_plane,
            pending=self._pending,
            heard=self._heard(),
            connections={},
        )

    def _heard(self) -> bool:
        """Whether Consul has said what runs since the settings came into use."""
        options = self._options
        declared = self._declared is not None or not options.services
        return declared and (self._discovered is not None or options.discover is None)

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
        offer = self._file.first()
        self._offered = offer.revision
        self._options = offer.options or self._file.accepted(None)
        self._settings_refused = offer.problem
        self._prepare(self._options)
        plan = self._plan(self._options, self._records)
        try:
            self._publisher.try_out(self._options, plan)
            if offer.options:
                self._file.accept(offer)
        except Refused as error:
            self._settings_refused = str(error)
            self._options = self._file.accepted(self._options)
            self._prepare(self._options)
            plan = self._plan(self._options, self._records)
        if self._settings_refused:
            log.error("settings refused: %s", self._settings_refused)
        self._listen(self._run / "status.sock")
        self._listen(self._run / "control.sock", control=True)
        self._publisher.start(self._options, plan, _instances(self._records))
        self._after_publishing(plan)
        self._adopt(self._options)

    def _prepare(self, options: Settings) -> None:
        self._records = site.still_served(options, self._records)
        self._pace = Pace(options.reload.calm_seconds, options.reload.churn_seconds)

    def _adopt(self, options: Settings) -> None:
        """Follow whom the settings name, and tell where they say."""
        self._options = options
        self._declared = self._discovered = None
        self._follower.tell(options)
        if self._follower.read() is not None:
            # It follows the same services as before, and says nothing again until they change.
            self._read_snapshot()
        self._follow_catalog(options)
        if self._heartbeat:
            self._heartbeat.stop()
        if self._witness:
            self._witness.close()
        self._heartbeat = Heartbeat(options.consul, self._inbox.put)
        self._witness = Witness(options.consul)
        for server in self._servers[2:]:
            server.close()
        del self._servers[2:]
        if options.status_port:
            self._listen((options.status_address, options.status_port))

    def _follow_catalog(self, options: Settings) -> None:
        if self._catalog:
            self._catalog.stop()
        self._catalog = None
        if options.discover:
            tell = self._inbox.put
            self._catalog = CatalogFollower(
                options.consul, options.discover.tag, lambda: tell("catalog")
            )

    def _listen(self, address: tuple[str, int] | pathlib.Path, *, control: bool = False) -> None:
        try:
            self._servers.append(StatusServer(self, address, control=control))
        except OSError as error:
            log.error("no status at %s: %s", address, error)

    def _stop(self) -> int:
        """Let nginx answer what it has begun; its status."""
        if self._heartbeat:
            self._heartbeat.stop()
        self._follower.stop()
        if self._catalog:
            self._catalog.stop()
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
        self._reap()
        self._follower.look(time.monotonic())
        if self._stopping:
            return
        self._look_at_settings()
        if any(news) or self._holds or self._pending or self._publisher.certificates_changed():
            self._consider(None)

    def _hear(self, word: Pulse | _Request | str) -> bool:
        """Whether it may change what is served."""
        if isinstance(word, Pulse):
            return self._feel(word)
        if isinstance(word, _Request):
            self._consider(word)
        elif word == "snapshot":
            self._read_snapshot()
            return True
        elif word == "catalog":
            self._read_catalog()
            return True
        elif word == "stop":
            self._stopping = True
        return False

    def _gather(self) -> list[Pulse | _Request | str]:
        """Everything that came in, after the first or when it is time to look around."""
        now = time.monotonic()
        seconds = min(_LOOK_SECONDS, max(0.0, self._pace.due() - now) if self._pending else 60.0)
        found: list[Pulse | _Request | str] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._inbox.get(timeout=seconds))
            while True:
                found.append(self._inbox.get_nowait())
        return found

    def _reap(self) -> None:
        processes = (self._nginx.process, self._follower.process)
        children.reap([process.pid for process in processes if process is not None])

    def _feel(self, pulse: Pulse) -> bool:
        """Whether the catalog is another one than before."""
        if pulse.leader:
            self._contact = time.monotonic()
        if pulse.trouble != self._pulse.trouble:
            log.warning("%s", pulse.trouble or "Consul has a leader again")
        reborn = bool(pulse.birth) and pulse.birth != self._pulse.birth
        if reborn and self._pulse.birth:
            log.warning("Consul's catalog was born anew")
            # It would wait for an index that the new catalog does not reach for long, and what it
            # said was the old one's.
            self._follower.stop()
            self._follow_catalog(self._options)
            self._declared = self._discovered = None
        # A cluster that does not answer is still the one that it was.
        self._pulse = dataclasses.replace(pulse, birth=pulse.birth or self._pulse.birth)
        return reborn

    def _read_snapshot(self) -> None:
        text = self._follower.read()
        found = snapshot.parse(text, self._options.networks) if text is not None else None
        if found is None:
            log.warning("consul-template wrote something that is not whole")
            return
        self._declared = found
        self._skipped_total += found.skipped_count

    def _read_catalog(self) -> None:
        entries = self._catalog.read() if self._catalog else None
        if entries is not None:
            self._discovered = snapshot.collect(entries, self._options.networks)
            self._skipped_total += self._discovered.skipped_count

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
        assert offer.options is not None
        before = self._options, self._records, self._pace
        self._prepare(offer.options)
        plan = self._plan(offer.options, self._records)
        try:
            if not self._publisher.serves(offer.options, plan, _instances(self._records)):
                self._publisher.publish(offer.options, plan, _instances(self._records))
        except Refused as error:
            self._options, self._records, self._pace = before
            return str(error)
        self._after_publishing(plan)
        self._file.accept(offer)
        self._adopt(offer.options)
        log.info("settings %s in use", offer.revision or "without a revision")
        return ""

    # Judging and publishing

    def _consider(self, request: _Request | None) -> None:
        """Judge what Consul says now and serve what comes of it."""
        self._judge(request)
        if request:
            request.done.set()
        plan = self._plan(self._options, self._records)
        self._tell_skipped(plan)
        served = self._publisher.serves(self._options, plan, _instances(self._records))
        self._pending = not served and not self._publisher.refuses(self._options, plan)
        if self._pending and time.monotonic() >= self._pace.due():
            self._publish(plan)

    def _judge(self, request: _Request | None) -> None:
        """Of those that Consul has been heard of: the others stay as they are, their births too."""
        keys = {site.service_key(each) for each in self._options.services}
        records: dict[str, Record] = {}
        said: dict[str, Instances] = {}
        for found, part, ours in (
            (self._declared, site.declared, True),
            (self._discovered, site.discovered, False),
        ):
            if found is not None:
                said |= part(self._options, found.services)
                records |= {name: r for name, r in self._records.items() if (name in keys) == ours}
        lost = guard.losses(records, said)
        forced = [name for name in lost if request and request.service in ("", name)]
        if request:
            request.names = forced
        verdict = guard.judge(
            self._options.guard,
            records,
            said,
            self._evidence(lost),
            self._holds,
            time.monotonic(),
            forced,
        )
        self._take(verdict, set(records))

    def _take(self, verdict: Verdict, judged: AbstractSet[str]) -> None:
        """Serve what the guard says of those that were judged."""
        others = {name: each for name, each in self._records.items() if name not in judged}
        waiting = {name: hold for name, hold in self._holds.items() if name in others}
        records, holds = {**others, **verdict.records}, {**waiting, **verdict.holds}
        _tell_holds(self._holds, holds)
        changed = records != self._records
        self._records, self._holds = records, holds
        if changed:
            self._keep()

    def _evidence(self, lost: Mapping[str, object]) -> Evidence:
        if not lost or self._witness is None:
            return Evidence(guard.SILENT, self._pulse.birth)
        tags = {site.service_key(each): each for each in self._options.services}
        marker = self._options.discover.tag if self._options.discover else ""
        wanted = {
            name: Wanted(tags[name].name, tags[name].tag) if name in tags else Wanted(name, marker)
            for name in lost
        }
        return self._witness.testify(wanted)

    def _plan(self, options: Settings, records: Mapping[str, Record]) -> Site:
        return site.plan(options, _instances(records), self._holders)

    def _tell_skipped(self, plan: Site) -> None:
        found = [each.skipped for each in (self._declared, self._discovered) if each]
        skipped = (*(skip for each in found for skip in each), *plan.skipped)
        for skip in skipped:
            if skip not in self._skipped:
                log.warning("skipped %s: %s", skip.service, skip.reason)
        self._skipped = skipped

    def _publish(self, plan: Site) -> None:
        try:
            self._publisher.publish(self._options, plan, _instances(self._records))
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
        try:
            state = store.State(self._publisher.number, self._records, self._holders)
            store.save(self._state_path, state)
        except OSError as error:
            log.error("the state is not kept: %s", error)


def _instances(records: Mapping[str, Record]) -> dict[str, Instances]:
    return {name: record.instances for name, record in records.items()}


def _tell_holds(before: Mapping[str, Hold], after: Mapping[str, Hold]) -> None:
    for name, hold in after.items():
        if name not in before or before[name].reason != hold.reason:
            places = ", ".join(sorted(str(place) for place in hold.lost))
            log.warning("held %s: %s; still in rotation: %s", name, hold.reason, places)
    for name in sorted(set(before) - set(after)):
        log.warning("held no more: %s", name)
