"""Counters and gauges in Prometheus' text format, and the daemon's health."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import pathlib
import threading
import time
from collections.abc import Callable, Mapping

from rollcall_common.status_server import METRICS, Make, Page

_MIN_LAG_SECONDS = 30.0
# The value of a heartbeat without a limit.
_NO_LIMIT = 0.0


@dataclasses.dataclass(frozen=True)
class Health:
    """Whether the daemon reconciles in time, and a message that explains it."""

    healthy: bool
    message: str


class Metrics:
    """Counters and gauges; every method may be called from any thread.

    `resync` in seconds, 0 for never: the daemon is unhealthy when its last successful cycle is
    older than three of them and 30 seconds. Without a resync an idle daemon has no cycles, so it
    becomes unhealthy only after a failure. `heartbeat` is the file for `registrator healthcheck`.
    """

    def __init__(
        self,
        resync: float,
        heartbeat: pathlib.Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """All counters are 0; the clock starts now."""
        self._lock = threading.Lock()
        self._clock = clock
        self._limit = max(3 * resync, _MIN_LAG_SECONDS)
        self._idles = resync <= 0
        self._heartbeat = heartbeat
        self._counts: collections.Counter[str] = collections.Counter()
        self._kinds: collections.Counter[str] = collections.Counter()
        self._events: collections.Counter[str] = collections.Counter()
        self._gauges = {"services": 0, "containers": 0, "draining": 0}
        self._success: float | None = None
        # Since when there was no success; None while a daemon without resync is idle.
        self._since: float | None = clock()
        self._write_heartbeat(self._limit)

    def cycle(self, registered: int, deregistered: int, services: int, containers: int) -> None:
        """A cycle succeeded: what it wrote, and how many services and containers there are."""
        with self._lock:
            self._counts.update(cycles=1, registrations=registered, deregistrations=deregistered)
            self._gauges.update(services=services, containers=containers)
            self._success = self._clock()
            self._since = None if self._idles else self._success
        self._write_heartbeat(_NO_LIMIT if self._idles else self._limit)

    def refused(self) -> None:
        """The agent refused a service."""
        with self._lock:
            self._counts.update(refusals=1)

    def error(self, kind: str) -> None:
        """An attempt failed; `kind` is the label of errors_total."""
        with self._lock:
            self._kinds[kind] += 1
            first = self._since is None
            if first:
                self._since = self._clock()
        if first:
            self._write_heartbeat(self._limit)

    def event(self, action: str) -> None:
        """An event was received from Docker."""
        with self._lock:
            self._events[action] += 1

    def draining(self, containers: int) -> None:
        """The number of containers that are being stopped now."""
        with self._lock:
            self._gauges.update(draining=containers)

    def health(self) -> Health:
        """Whether the last successful cycle is recent enough."""
        with self._lock:
            since, succeeded = self._since, self._success is not None
        if since is None:
            return Health(True, "idle, the last cycle succeeded")
        lag = self._clock() - since
        what = "last successful cycle" if succeeded else "no successful cycle since the start"
        return Health(
            lag <= self._limit, f"{what} {lag:.0f} s ago, the limit is {self._limit:.0f} s"
        )

    def render(self) -> str:
        """All metrics in Prometheus' text format."""
        with self._lock:
            counts, kinds, events = dict(self._counts), dict(self._kinds), dict(self._events)
            gauges, success = dict(self._gauges), self._success
        lines: list[str] = []
        for name, text in _COUNTERS.items():
            lines += _family(f"{name}_total", "counter", text, {"": counts.get(name, 0)})
        lines += _family("errors_total", "counter", "Failed attempts.", _labelled("kind", kinds))
        lines += _family("events_total", "counter", "Docker events.", _labelled("action", events))
        for name, text in _GAUGES.items():
            lines += _family(name, "gauge", text, {"": gauges[name]})
        # Before the first success there is no sample.
        age = {} if success is None else {"": round(self._clock() - success, 3)}
        lines += _family("last_success_age_seconds", "gauge", "Since a cycle succeeded.", age)
        healthy = {"": int(self.health().healthy)}
        lines += _family("healthy", "gauge", "1 while reconciling keeps up.", healthy)
        return "\n".join(lines) + "\n"

    def _write_heartbeat(self, seconds: float) -> None:
        """Write for how long the heartbeat is valid; a failed write is ignored."""
        if self._heartbeat is not None:
            with contextlib.suppress(OSError):
                self._heartbeat.write_text(f"{seconds:g}\n", encoding="ascii")


def status_pages(metrics: Metrics) -> dict[str, Make]:
    """/metrics for Prometheus, and /healthz for probes: 503 when the daemon is unhealthy."""

    def healthz(_parameters: Mapping[str, str]) -> Page:
        health = metrics.health()
        return Page(f"{health.message}\n", status=200 if health.healthy else 503)

    return {"/metrics": lambda _: Page(metrics.render(), METRICS), "/healthz": healthz}


_COUNTERS = {
    "cycles": "Cycles that succeeded.",
    "registrations": "Services registered.",
    "deregistrations": "Services deregistered.",
    "refusals": "Services that the agent refused.",
}
_GAUGES = {
    "services": "Services of the running containers.",
    "containers": "Containers running.",
    "draining": "Containers being stopped.",
}


def _labelled(label: str, counts: Mapping[str, int]) -> dict[str, float]:
    escaped = {ord("\\"): r"\\", ord('"'): r"\"", ord("\n"): r"\n"}
    return {
        f'{{{label}="{key.translate(escaped)}"}}': value for key, value in sorted(counts.items())
    }


def _family(name: str, kind: str, text: str, samples: Mapping[str, float]) -> list[str]:
    head = [f"# HELP registrator_{name} {text}", f"# TYPE registrator_{name} {kind}"]
    return head + [f"registrator_{name}{labels} {value}" for labels, value in samples.items()]
