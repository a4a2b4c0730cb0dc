"""Asks Consul whether it has a leader, which cluster it is, and whether a loss is real."""

from __future__ import annotations

import dataclasses
import functools
import threading
import urllib.parse
from collections.abc import Callable, Mapping

from ..discovery.answers import decoded, mapping, objects, text, texts
from ..discovery.consul_client import ConsulClient, ConsulError
from ..discovery.contact import Contact
from ..discovery.threads import repeat
from ..model import Endpoint
from ..settings import validation
from ..settings.model import Consul
from ..settings.validation import InvalidValue
from .guard import CONFIRMED, FILTERED, NO_ANSWER, NO_LEADER, ConfirmedEndpoints, Evidence

_TIMEOUT_SECONDS = 2.0
_POLL_SECONDS, _POLL_SECONDS_WITHOUT_LEADER = 2.0, 0.5


@dataclasses.dataclass(frozen=True)
class LeaderStatus:
    """Whether Consul has a leader, and the ID of the cluster; `problem` says why it has none."""

    leader: bool
    cluster_id: str = ""
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class ServiceQuery:
    """A service by its name in Consul, and the tag that its instances must have, "" for none."""

    name: str
    tag: str = ""


class LeaderCheck:
    """Reads from one agent, for use by one thread."""

    def __init__(self, consul: Consul) -> None:
        """Connect later."""
        self._client = ConsulClient(consul, _TIMEOUT_SECONDS)

    def status(self) -> LeaderStatus:
        """The leader status, by two small reads; never raises."""
        try:
            leader = self._client.get("/v1/status/leader", _leader).body
        except ConsulError as error:
            return LeaderStatus(False, problem=str(error))
        if not leader:
            return LeaderStatus(False, problem="Consul has no leader")
        return LeaderStatus(True, self._cluster_id())

    def confirm(self, services: Mapping[str, ServiceQuery]) -> Evidence:
        """The evidence of a consistent read for each service key; never raises."""
        status = self.status()
        if not status.leader:
            state = NO_LEADER if "no leader" in status.problem else NO_ANSWER
            return Evidence(state, status.cluster_id)
        confirmed: dict[str, ConfirmedEndpoints] = {}
        for key, query in services.items():
            try:
                answer = self._client.get(
                    f"/v1/health/service/{urllib.parse.quote(query.name)}?passing&consistent",
                    functools.partial(_endpoints, query.tag),
                )
            except ConsulError as error:
                # The leader may have been lost since its status was read.
                lost = "leader" in error.reason
                return Evidence(NO_LEADER if lost else NO_ANSWER, status.cluster_id)
            if answer.filtered:
                return Evidence(FILTERED, status.cluster_id)
            confirmed[key] = ConfirmedEndpoints(answer.body, answer.index)
        return Evidence(CONFIRMED, status.cluster_id, confirmed)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _cluster_id(self) -> str:
        """The trust domain, which a cluster generates once in its life; "" where it is unknown."""
        try:
            return self._client.get("/v1/connect/ca/roots", _trust_domain).body
        except ConsulError:
            return ""


class LeaderMonitor:
    """Polls the leader status in a background thread, so that an agent that hangs blocks nothing.

    Calls `on_status` with every status, from its thread, until it is stopped.
    """

    def __init__(self, consul: Consul, on_status: Callable[[LeaderStatus], None]) -> None:
        """Start at once."""
        self._check = LeaderCheck(consul)
        self._on_status = on_status
        self._stop = threading.Event()
        repeat("leader status", self._poll, self._stop, Contact().failed)

    def stop(self) -> None:
        """Report nothing further; the thread ends by itself."""
        self._stop.set()
        self._check.close()

    def _poll(self) -> None:
        status = self._check.status()
        if not self._stop.is_set():
            self._on_status(status)
        self._stop.wait(_POLL_SECONDS if status.leader else _POLL_SECONDS_WITHOUT_LEADER)


def _leader(content: bytes) -> str:
    return text(decoded(content))


def _trust_domain(content: bytes) -> str:
    return text(mapping(decoded(content)).get("TrustDomain") or "")


def _endpoints(tag: str, content: bytes) -> frozenset[Endpoint]:
    """The endpoints of the instances with the tag; one that is not valid confirms nothing."""
    found = set()
    for entry in objects(decoded(content)):
        node, service = mapping(entry.get("Node")), mapping(entry.get("Service"))
        if tag and tag not in texts(service.get("Tags")):
            continue
        try:
            address = validation.address(service.get("Address") or node.get("Address"))
            found.add(Endpoint(str(address), validation.port(service.get("Port"))))
        except InvalidValue:
            continue
    return frozenset(found)
