"""What is served of each service, updated with what Consul reports if the guard believes it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping

from .. import routing
from ..discovery.service_discovery import ServiceDiscovery
from ..model import Endpoint, Instances, Record
from ..settings.model import Settings, Verification
from . import guard, withdrawal
from .guard import Evidence, Hold
from .leader_check import LeaderCheck, ServiceQuery
from .withdrawal import Finding, Target

log = logging.getLogger("nginx-lb")


class ServedState:
    """The records and the holds; `cluster_id` identifies the cluster that answered last."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        """Begin with what was served last."""
        self.records = records
        self.holds: Mapping[str, Hold] = {}
        self.cluster_id = ""
        # What the leader check saw last, and what `cluster_id` was then: it sees a cluster that was
        # re-created before the leader monitor, which polls.
        self._checked = ("", "")
        # By which instances were known since the start.
        self._verified: frozenset[tuple[str, Verification]] = frozenset()

    def update(
        self,
        options: Settings,
        discovery: ServiceDiscovery,
        leader: LeaderCheck,
        accepted: str | None,
        *,
        heard: bool,
    ) -> list[str]:
        """Take over what Consul reports, as far as the guard believes it; `heard`: it still does.

        `accepted` is the service whose loss the operator accepts, "" for all and None for none; the
        services for which that made a difference are returned. A service that Consul has not
        reported on stays unchanged, with the cluster ID of its record.
        """
        keys = {routing.service_key(each) for each in options.services}
        judged: dict[str, Record] = {}
        reported: dict[str, Instances] = {}
        for snapshot, select, is_declared in (
            (discovery.declared, routing.declared, True),
            (discovery.discovered, routing.discovered, False),
        ):
            if snapshot is not None:
                reported |= select(options, snapshot.services)
                judged |= {
                    name: record
                    for name, record in self.records.items()
                    if (name in keys) == is_declared
                }
        lost = guard.losses(judged, reported)
        forced = [name for name in lost if accepted in ("", name)]
        evidence = self._evidence(options, lost, leader)
        verdict = guard.judge(
            *(options.guard, judged, reported, evidence, self.holds, time.monotonic(), forced),
            heard=heard,
        )
        others = {name: each for name, each in self.records.items() if name not in judged}
        holds = {name: hold for name, hold in self.holds.items() if name in others}
        self.records = {**others, **verdict.records}
        self._hold({**holds, **verdict.holds})
        return forced

    @property
    def withdrawn(self) -> dict[str, frozenset[Endpoint]]:
        """The instances of each service that get no requests until Consul vouches for them."""
        return {name: each.withdrawn for name, each in self.records.items() if each.withdrawn}

    def unconfirmed(self, options: Settings, *, heard: bool) -> frozenset[Target]:
        """The instances for which Consul does not vouch: all if it is not heard, else the held."""
        held = {name: hold.lost for name, hold in self.holds.items()}
        return _targets(options, held if heard else _endpoints(self.records))

    def unverified(self, options: Settings) -> frozenset[Target]:
        """The instances of services whose verification no instance has answered yet."""
        unknown = {
            key
            for key, verification in _verifications(options).items()
            if verification.path and (key, verification) not in self._verified
        }
        records = {name: each for name, each in self.records.items() if name in unknown}
        return _targets(options, _endpoints(records))

    def withdraw(
        self, options: Settings, findings: Mapping[Target, Finding], *, heard: bool
    ) -> None:
        """Draw the conclusions from what was found: an instance that Consul reports stays."""
        self._verified |= withdrawal.proven(findings)
        unconfirmed = self.unconfirmed(options, heard=heard)
        found = {each: why for each, why in findings.items() if each in unconfirmed}
        if not found:
            return
        records = withdrawal.concluded(self.records, found, self._verified, options.guard.max_drop)
        reasons = {(each.service, each.endpoint): why.value for each, why in found.items()}
        for name, record in records.items():
            for endpoint in sorted(record.withdrawn - self.records[name].withdrawn):
                log.warning("%s: %s %s: no requests", name, endpoint, reasons[name, endpoint])
        self.records = records

    def _evidence(
        self, options: Settings, lost: Mapping[str, object], leader: LeaderCheck
    ) -> Evidence:
        """Confirm removals with the leader; skip the request when nothing was removed."""
        if not lost:
            seen, then = self._checked
            return Evidence(
                guard.NO_ANSWER, seen if seen and then == self.cluster_id else self.cluster_id
            )
        declared = {
            routing.service_key(each): ServiceQuery(each.name, each.tag)
            for each in options.services
        }
        marker = options.discover.tag if options.discover else ""
        evidence = leader.confirm(
            {name: declared.get(name, ServiceQuery(name, marker)) for name in lost}
        )
        self._checked = evidence.cluster_id, self.cluster_id
        return evidence

    def _hold(self, holds: Mapping[str, Hold]) -> None:
        for name, hold in holds.items():
            if name not in self.holds or self.holds[name].reason != hold.reason:
                endpoints = ", ".join(sorted(str(each) for each in hold.lost))
                log.warning(
                    "keeping %d removed %s of %s: %s; still in rotation: %s",
                    len(hold.lost),
                    "instance" if len(hold.lost) == 1 else "instances",
                    name,
                    hold.reason,
                    endpoints,
                )
        for name in sorted(set(self.holds) - set(holds)):
            log.warning("hold released: %s", name)
        self.holds = holds


def _endpoints(records: Mapping[str, Record]) -> dict[str, frozenset[Endpoint]]:
    return {name: record.endpoints for name, record in records.items()}


def _verifications(options: Settings) -> dict[str, Verification]:
    return {routing.service_key(each): each.verification for each in options.services}


def _targets(options: Settings, endpoints: Mapping[str, Collection[Endpoint]]) -> frozenset[Target]:
    verifications = _verifications(options)
    return frozenset(
        Target(name, endpoint, verifications.get(name, Verification()))
        for name, found in endpoints.items()
        for endpoint in found
    )
