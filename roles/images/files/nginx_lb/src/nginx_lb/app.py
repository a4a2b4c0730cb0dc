"""The control process: follows Consul and tells nginx, which serves without it too."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import pathlib
import queue
import signal
import threading
import time

from rollcall_common.status_server import StatusServer

from .discovery.service_discovery import ServiceDiscovery
from .nginx.configuration import Paths
from .nginx.live_instances import LiveInstances
from .nginx.process import Nginx, Refused
from .nginx.publisher import Publisher
from .protection import store
from .protection.leader_check import LeaderCheck, LeaderMonitor, LeaderStatus
from .protection.prober import Prober
from .protection.served_state import ServedState
from .reconciler import Reconciler
from .settings import validation
from .settings.file import SettingsFile
from .settings.model import Settings
from .settings.state import SettingsState
from .status import pages
from .status.status_report import Report

log = logging.getLogger("nginx-lb")
_POLL_SECONDS = 1.0
_STALE_SECONDS = 15.0
_ACCEPT_SECONDS = 10.0
# Between two probes of the instances for which Consul does not vouch, and of others.
_PROBE_SECONDS, _VERIFY_SECONDS = 1.0, 10.0
_SIGNALS = {
    signal.SIGTERM: "stop",
    signal.SIGINT: "stop",
    signal.SIGQUIT: "stop",
    signal.SIGHUP: "settings",
    # consul-template has written what it knows.
    signal.SIGUSR1: "catalog",
}


@dataclasses.dataclass
class _AcceptRequest:
    """The operator accepts the losses of a held service, "" for all."""

    service: str
    done: threading.Event = dataclasses.field(default_factory=threading.Event)
    names: list[str] = dataclasses.field(default_factory=list)


_Message = LeaderStatus | _AcceptRequest | str


class ControlProcess:
    """The main loop, the only thread that changes anything.

    `volume` outlives the container, the run folder of `paths` does not.
    """

    def __init__(self, file: SettingsFile, volume: pathlib.Path, paths: Paths) -> None:
        """Read settings and state; start nothing yet."""
        self._run_folder = pathlib.Path(paths.run)
        stored = store.load(volume / "state.json")
        self._settings = SettingsState(file)
        self._served = ServedState(stored.records)
        self._nginx = Nginx(self._run_folder)
        self._publisher = Publisher(self._nginx, paths, stored.generation)
        self._live = LiveInstances(self._nginx, self._run_folder / "instances")
        self._reconciler = Reconciler(
            self._publisher, self._live, self._served, stored, volume / "state.json"
        )
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._discovery = ServiceDiscovery(
            self._run_folder, on_change=lambda: self._inbox.put("catalog")
        )
        self._prober = Prober(on_change=lambda: self._inbox.put("instances"))
        self._leader = LeaderCheck(self._settings.in_use.consul)
        self._leader_monitor: LeaderMonitor | None = None
        self._leader_status = LeaderStatus(False)
        self._last_contact: float | None = None
        self._status_port: StatusServer | None = None
        self._stopping = False

    # Called by the threads of the status servers

    def report(self) -> Report:
        """The current state."""
        # Read first: a change that is not pending any more is part of all that is read after it.
        pending = self._reconciler.pending
        now = time.monotonic()
        contact = self._last_contact
        settings, publisher = self._settings, self._publisher
        return Report(
            generation=publisher.number,
            services=self._live.services,
            leaving=self._live.leaving(validation.seconds(settings.in_use.shutdown_timeout)),
            holds=self._served.holds,
            withdrawn=self._served.withdrawn,
            skipped=self._reconciler.skipped,
            skipped_total=self._discovery.skipped_total,
            reloads=publisher.reloads,
            refusals=publisher.refusals,
            render_age=now - publisher.rendered_at,
            contact_age=None if contact is None else now - contact,
            stale_after=_STALE_SECONDS,
            problem=self._leader_status.problem,
            deaf=self._deaf(now),
            refused=publisher.refused,
            revision=settings.in_use.revision,
            offered_revision=settings.offered_revision,
            settings_refused=settings.refusal,
            pending=pending,
            synced=self._discovery.synced,
        )

    def _deaf(self, now: float) -> str:
        """Why what is followed has not been heard for too long, "" where it has been."""
        age = self._discovery.heard_age(now)
        return self._discovery.problem if age is None or age > _STALE_SECONDS else ""

    def stub_status(self) -> str | None:
        """The text of nginx's stub_status, None where nginx does not answer."""
        return self._nginx.get("/stub_status")

    def accept(self, service: str) -> list[str]:
        """Accept the losses of a held service, "" for all; the names of those that were held."""
        request = _AcceptRequest(service)
        self._inbox.put(request)
        request.done.wait(_ACCEPT_SECONDS)
        return request.names

    # Start and stop

    def run(self) -> int:
        """Follow Consul until a signal, or until nginx exits; the exit status."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        try:
            self._start()
        except Refused as error:
            log.error("%s", error)
            return 1
        while not self._stopping and self._nginx.pid is not None:
            self._step()
        if self._leader_monitor:
            self._leader_monitor.stop()
        self._discovery.stop()
        return 0

    def _on_signal(self, number: int, _frame: object) -> None:
        """Only queue a message: SimpleQueue.put is safe while the main loop waits in get."""
        self._inbox.put(_SIGNALS[signal.Signals(number)])

    def _start(self) -> None:
        """Serve what was served last, before Consul is asked anything."""
        self._settings.choose_first(self._reconciler.problem_of)
        self._listen(self._run_folder / "status.sock")
        self._listen(self._run_folder / "control.sock", control=True)
        self._reconciler.start(self._settings.in_use)
        self._connect(self._settings.in_use)

    def _connect(self, options: Settings) -> None:
        """Follow the Consul agent of these settings, and open their status port."""
        self._discovery.follow(options)
        if self._leader_monitor:
            self._leader_monitor.stop()
        self._leader.close()
        self._leader_monitor = LeaderMonitor(options.consul, self._inbox.put)
        self._leader = LeaderCheck(options.consul)
        if self._status_port:
            self._status_port.close()
        self._status_port = None
        if options.status_port:
            self._status_port = self._listen((options.status_address, options.status_port))

    def _listen(
        self, address: tuple[str, int] | pathlib.Path, *, control: bool = False
    ) -> StatusServer | None:
        try:
            return StatusServer(
                address,
                pages.pages(self),
                pages.actions(self) if control else None,
                mode=0o600 if control else 0o666,
            )
        except OSError as error:
            log.error("no status at %s: %s", address, error)
            return None

    # The main loop

    def _step(self) -> None:
        changes = [self._handle(message) for message in self._receive()]
        self._discovery.supervise(time.monotonic())
        if self._stopping:
            return
        self._settings.update(self._use)
        self._probe()
        reconciler = self._reconciler
        if (
            any(changes)
            or self._served.holds
            or self._served.withdrawn
            or reconciler.pending
            or self._publisher.should_check()
        ):
            self._reconcile(None)

    def _receive(self) -> list[_Message]:
        """All messages in the queue, after the first one or when the next check is due."""
        seconds = _POLL_SECONDS
        if self._reconciler.pending:
            seconds = min(seconds, self._reconciler.seconds_until_due(time.monotonic()))
        messages: list[_Message] = []
        with contextlib.suppress(queue.Empty):
            messages.append(self._inbox.get(timeout=seconds))
            while True:
                messages.append(self._inbox.get_nowait())
        return messages

    def _handle(self, message: _Message) -> bool:
        """Whether the message may change what is served."""
        if isinstance(message, LeaderStatus):
            return self._on_leader_status(message)
        if isinstance(message, _AcceptRequest):
            self._reconcile(message)
        elif message == "catalog":
            self._discovery.read()
        elif message == "stop":
            self._stopping = True
        return message in ("catalog", "instances")

    def _on_leader_status(self, status: LeaderStatus) -> bool:
        """Whether this is the first status of a cluster."""
        if status.leader:
            self._last_contact = time.monotonic()
        if status.problem != self._leader_status.problem:
            log.warning("%s", status.problem or "Consul has a leader again")
        self._leader_status = status
        other = bool(status.cluster_id) and status.cluster_id != self._served.cluster_id
        if other and self._served.cluster_id:
            log.warning("the Consul cluster was re-created (cluster ID changed)")
            self._discovery.restart()
        # A cluster that does not answer is still the same one.
        self._served.cluster_id = status.cluster_id or self._served.cluster_id
        return other

    @property
    def _heard(self) -> bool:
        """Whether Consul answers now; a moment without an answer is no staleness yet."""
        return self._leader_status.leader and not self._discovery.problem

    def _probe(self) -> None:
        """Ask the instances for which Consul does not vouch, and those nobody has verified."""
        options, served = self._settings.in_use, self._served
        unconfirmed = served.unconfirmed(options, heard=self._heard)
        pause = _PROBE_SECONDS if unconfirmed else _VERIFY_SECONDS
        self._prober.watch(unconfirmed | served.unverified(options), pause)

    def _use(self, options: Settings) -> str:
        """Use these settings from now on; why that is not possible, "" where it is done."""
        problem = self._reconciler.use(options)
        if not problem:
            self._connect(options)
        return problem

    def _reconcile(self, request: _AcceptRequest | None) -> None:
        """Update the served state from what Consul reports, and have it published."""
        options = self._settings.in_use
        accepted = request.service if request else None
        names = self._served.update(
            *(options, self._discovery, self._leader, accepted), heard=self._heard
        )
        self._served.withdraw(options, self._prober.findings, heard=self._heard)
        if request:
            request.names = names
            request.done.set()
        self._reconciler.reconcile(options, self._discovery.skipped)
