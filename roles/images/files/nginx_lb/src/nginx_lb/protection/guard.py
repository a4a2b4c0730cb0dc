"""Whether to believe that instances are gone. Pure: what is served, what is said, who vouches.

More instances are always believed: a wrong one costs a retry. That some are gone is believed of a
leader that confirms it by a consistent read, at once; that all are gone, after it has said so for
`confirm_seconds`. Without such a leader (none elected, none reachable, an answer that an ACL has
filtered) a loss of more than `max_drop` of what was last confirmed, or of the last instance, is
held: the lost ones stay, and nginx's own failure handling looks after them.

A catalog that was born anew knows nothing yet: its leader is right about what it holds and wrong
about what runs. What it lacks is held until the service is as large as it was, or for
`max_hold_seconds`: by then every Registrator has told it ten times over what runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from ..discovery.snapshot import Instances, Place, ordered
from ..settings.model import Guard

CONFIRMED, NO_LEADER, FILTERED, SILENT = "confirmed", "no_leader", "filtered", "silent"
_WHY = {
    NO_LEADER: "Consul has no leader",
    FILTERED: "Consul's answer was filtered by an ACL",
    SILENT: "Consul does not answer",
}
BORN_ANEW = "Consul's catalog is new"
EMPTIED = "Consul says it is empty"


@dataclasses.dataclass(frozen=True)
class Word:
    """What a consistent read says of one service: the places that pass, and the answer's index."""

    places: frozenset[Place]
    index: int = 0


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Who vouches for a loss. `birth` names the cluster, "" where Consul does not tell."""

    state: str
    birth: str = ""
    words: Mapping[str, Word] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Record:
    """What is served of a service, and what was last known of it without doubt.

    `confirmed` are the places that a loss is measured against, `birth` and `index` the catalog's
    that they came from.
    """

    instances: Instances = ()
    confirmed: frozenset[Place] = frozenset()
    birth: str = ""
    index: int = 0

    @property
    def places(self) -> frozenset[Place]:
        """Where requests may go."""
        return frozenset(instance.place for instance in self.instances)


@dataclasses.dataclass(frozen=True)
class Hold:
    """Lost instances that stay in rotation; `since` is the monotonic clock's, in seconds."""

    reason: str
    since: float
    lost: frozenset[Place]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What to serve, and what of it is held."""

    records: Mapping[str, Record]
    holds: Mapping[str, Hold]


def losses(
    records: Mapping[str, Record], said: Mapping[str, Instances]
) -> dict[str, frozenset[Place]]:
    """The places that are served and no longer said, by service."""
    found = {
        name: record.places - {instance.place for instance in said.get(name, ())}
        for name, record in records.items()
    }
    return {name: lost for name, lost in found.items() if lost}


def judge(
    policy: Guard,
    records: Mapping[str, Record],
    said: Mapping[str, Instances],
    evidence: Evidence,
    holds: Mapping[str, Hold],
    now: float,
    forced: Collection[str] = (),
) -> Verdict:
    """What to serve now that Consul says `said`; `forced` names services the operator vouches for.

    `evidence` matters only to services that lose something.
    """
    kept: dict[str, Record] = {}
    held: dict[str, Hold] = {}
    for name in sorted({*records, *said}):
        record, hold = _decide(
            policy,
            records.get(name, Record()),
            said.get(name, ()),
            evidence,
            evidence.words.get(name),
            holds.get(name),
            now,
            name in forced,
        )
        if hold is not None:
            held[name] = hold
        # A service that nothing asks for any more and that has nothing left is forgotten.
        if name in said or record.instances:
            kept[name] = record
    return Verdict(kept, held)


def _decide(
    policy: Guard,
    old: Record,
    new: Instances,
    evidence: Evidence,
    word: Word | None,
    hold: Hold | None,
    now: float,
    forced: bool,
) -> tuple[Record, Hold | None]:
    said = frozenset(instance.place for instance in new)
    lost = old.places - said
    if forced or not lost:
        birth = evidence.birth or old.birth
        # Another catalog counts from another beginning.
        known = old.index if birth == old.birth else 0
        return Record(new, said, birth, word.index if word else known), None
    if evidence.state != CONFIRMED or word is None:
        return _without_a_leader(policy, old, new, lost, evidence, hold, now)
    if _born_anew(old, evidence, word) and len(said) < len(old.confirmed):
        return _held(old, new, lost, BORN_ANEW, hold, now, policy.max_hold_seconds, evidence, word)
    # What a consistent read still has, a follower that reads stale copies lost by mistake.
    truth = _union(new, tuple(each for each in old.instances if each.place in lost & word.places))
    if not truth:
        return _held(old, new, lost, EMPTIED, hold, now, policy.confirm_seconds, evidence, word)
    return _believed(truth, evidence, word), None


def _born_anew(old: Record, evidence: Evidence, word: Word) -> bool:
    # A leader that was just elected may not know its cluster's birth for a moment.
    return (bool(old.birth) and old.birth != evidence.birth) or word.index < old.index


def _without_a_leader(
    policy: Guard,
    old: Record,
    new: Instances,
    lost: frozenset[Place],
    evidence: Evidence,
    hold: Hold | None,
    now: float,
) -> tuple[Record, Hold | None]:
    """A small loss is let through, measured against what was last confirmed, so that it adds up."""
    missing = old.confirmed - {instance.place for instance in new}
    if new and len(missing) <= policy.max_drop * len(old.confirmed):
        return dataclasses.replace(old, instances=new), None
    reason = _WHY.get(evidence.state, _WHY[SILENT])
    since = hold.since if hold and hold.reason == reason else now
    return dataclasses.replace(old, instances=_stay(old, new)), Hold(reason, since, lost)


def _held(
    old: Record,
    new: Instances,
    lost: frozenset[Place],
    reason: str,
    hold: Hold | None,
    now: float,
    seconds: float,
    evidence: Evidence,
    word: Word,
) -> tuple[Record, Hold | None]:
    """Hold for so long, counted from when this reason first came up; then believe."""
    since = hold.since if hold and hold.reason == reason else now
    if now - since >= seconds:
        return _believed(new, evidence, word), None
    return dataclasses.replace(old, instances=_stay(old, new)), Hold(reason, since, lost)


def _believed(instances: Instances, evidence: Evidence, word: Word) -> Record:
    places = frozenset(instance.place for instance in instances)
    return Record(instances, places, evidence.birth, word.index)


def _stay(old: Record, new: Instances) -> Instances:
    """Everything that is said, and everything that was served besides."""
    return _union(new, old.instances)


def _union(first: Instances, second: Instances) -> Instances:
    places = {instance.place for instance in first}
    return ordered((*first, *(each for each in second if each.place not in places)))
