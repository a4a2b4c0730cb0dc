"""Decides whether to believe that instances are gone. Pure: records, report and evidence in.

Additional instances are always believed: a wrong one costs a retry. A leader that confirms by a
consistent read that some are gone is believed at once; that all are gone, after it has confirmed
that for `confirm_seconds`. Without such a leader (none elected, none reachable, an answer that an
ACL has filtered) a loss of more than `max_drop` of the instances confirmed last, or of the last
instance, is held: the lost instances stay in rotation, under nginx's own failure handling.

A re-created cluster has an empty catalog: its leader is right about the catalog and wrong about
what runs. What it lacks is held until the service is as large as before, or for
`max_hold_seconds`: by then every Registrator has registered its containers several times.

An instance that Consul reports is no longer withdrawn, see withdrawal.py, if Consul is heard.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from ..model import Endpoint, Instances, Record, ordered
from ..settings.model import Guard

CONFIRMED, NO_LEADER, FILTERED, NO_ANSWER = "confirmed", "no_leader", "filtered", "no_answer"
_REASONS = {
    NO_LEADER: "Consul has no leader",
    FILTERED: "Consul's answer was filtered by an ACL",
    NO_ANSWER: "Consul does not answer",
}
RECREATED = "the Consul cluster was re-created"
EMPTY = "Consul reports no instance"


@dataclasses.dataclass(frozen=True)
class ConfirmedEndpoints:
    """The answer of a consistent read about one service: its passing endpoints and its index."""

    endpoints: frozenset[Endpoint]
    index: int = 0


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Whether a leader confirms a loss. `cluster_id` identifies the cluster, "" where unknown."""

    state: str
    cluster_id: str = ""
    confirmed: Mapping[str, ConfirmedEndpoints] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Hold:
    """Lost instances that stay in rotation since `since`, which is monotonic, in seconds."""

    reason: str
    since: float
    lost: frozenset[Endpoint]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What to serve, and which instances of it are held."""

    records: Mapping[str, Record]
    holds: Mapping[str, Hold]


def losses(
    records: Mapping[str, Record], reported: Mapping[str, Instances]
) -> dict[str, frozenset[Endpoint]]:
    """The endpoints that are served and no longer reported, by service."""
    found = {
        name: record.endpoints - {instance.endpoint for instance in reported.get(name, ())}
        for name, record in records.items()
    }
    return {name: lost for name, lost in found.items() if lost}


def judge(
    policy: Guard,
    records: Mapping[str, Record],
    reported: Mapping[str, Instances],
    evidence: Evidence,
    holds: Mapping[str, Hold],
    now: float,
    forced: Collection[str] = (),
    *,
    heard: bool = True,
) -> Verdict:
    """What to serve now that Consul reports `reported`; `heard` tells whether it still does.

    `evidence` matters only to services that lose instances; `forced` names the services whose
    losses the operator has accepted.
    """
    kept: dict[str, Record] = {}
    held: dict[str, Hold] = {}
    for name in sorted({*records, *reported}):
        old = records.get(name, Record())
        record, hold = _decide(
            policy,
            _vouched_for(old, reported.get(name, ())) if heard else old,
            reported.get(name, ()),
            evidence,
            evidence.confirmed.get(name),
            holds.get(name),
            now,
            name in forced,
        )
        if hold is not None:
            held[name] = hold
        # A service that is no longer followed and has no instance left is forgotten.
        if name in reported or record.instances:
            kept[name] = record
    return Verdict(kept, held)


def _vouched_for(record: Record, reported: Instances) -> Record:
    """The record without the withdrawal of what Consul reports."""
    present = frozenset(instance.endpoint for instance in reported)
    return dataclasses.replace(record, withdrawn=record.withdrawn - present)


def _decide(
    policy: Guard,
    old: Record,
    new: Instances,
    evidence: Evidence,
    confirmed: ConfirmedEndpoints | None,
    hold: Hold | None,
    now: float,
    forced: bool,
) -> tuple[Record, Hold | None]:
    endpoints = frozenset(instance.endpoint for instance in new)
    lost = old.endpoints - endpoints
    if forced or not lost:
        cluster_id = evidence.cluster_id or old.cluster_id
        # Indexes of different clusters cannot be compared.
        known = old.index if cluster_id == old.cluster_id else 0
        index = confirmed.index if confirmed else known
        return Record(new, endpoints, cluster_id, index, old.withdrawn & endpoints), None
    if evidence.state != CONFIRMED or confirmed is None:
        return _without_a_leader(policy, old, new, lost, evidence, hold, now)
    if _recreated(old, evidence, confirmed) and len(endpoints) < len(old.confirmed):
        return _held(
            old, new, lost, RECREATED, hold, now, policy.max_hold_seconds, evidence, confirmed
        )
    # An instance in the consistent read is missing only in the stale read of a follower.
    stale = lost & confirmed.endpoints
    current = _union(new, tuple(each for each in old.instances if each.endpoint in stale))
    if not current:
        return _held(old, new, lost, EMPTY, hold, now, policy.confirm_seconds, evidence, confirmed)
    return _believed(current, evidence, confirmed), None


def _recreated(old: Record, evidence: Evidence, confirmed: ConfirmedEndpoints) -> bool:
    # A leader that was just elected may not know the cluster ID for a moment.
    other = bool(old.cluster_id) and old.cluster_id != evidence.cluster_id
    return other or confirmed.index < old.index


def _without_a_leader(
    policy: Guard,
    old: Record,
    new: Instances,
    lost: frozenset[Endpoint],
    evidence: Evidence,
    hold: Hold | None,
    now: float,
) -> tuple[Record, Hold | None]:
    """Accept a small loss, measured against what was confirmed last, so that losses add up."""
    missing = old.confirmed - {instance.endpoint for instance in new}
    if new and len(missing) <= policy.max_drop * len(old.confirmed):
        return dataclasses.replace(old, instances=new), None
    reason = _REASONS.get(evidence.state, _REASONS[NO_ANSWER])
    since = hold.since if hold and hold.reason == reason else now
    return dataclasses.replace(old, instances=_keep_all(old, new)), Hold(reason, since, lost)


def _held(
    old: Record,
    new: Instances,
    lost: frozenset[Endpoint],
    reason: str,
    hold: Hold | None,
    now: float,
    seconds: float,
    evidence: Evidence,
    confirmed: ConfirmedEndpoints,
) -> tuple[Record, Hold | None]:
    """Hold for `seconds`, counted from the first time with this reason; then believe."""
    since = hold.since if hold and hold.reason == reason else now
    if now - since >= seconds:
        return _believed(new, evidence, confirmed), None
    return dataclasses.replace(old, instances=_keep_all(old, new)), Hold(reason, since, lost)


def _believed(instances: Instances, evidence: Evidence, confirmed: ConfirmedEndpoints) -> Record:
    endpoints = frozenset(instance.endpoint for instance in instances)
    return Record(instances, endpoints, evidence.cluster_id, confirmed.index)


def _keep_all(old: Record, new: Instances) -> Instances:
    """Everything that is reported, and everything else that was served."""
    return _union(new, old.instances)


def _union(first: Instances, second: Instances) -> Instances:
    endpoints = {instance.endpoint for instance in first}
    return ordered((*first, *(each for each in second if each.endpoint not in endpoints)))
