"""The records of a history: frozen values, each of them one line of JSON.

Times are seconds since the epoch, durations are seconds. A field that is None is left out of its
line. Fields and kinds that a later version added are ignored.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, ClassVar, Self


class Failure(enum.StrEnum):
    """Why a request failed; LATE is a fault of the probe, and no failure of the service."""

    REFUSED = "refused"
    RESET = "reset"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BAD_STATUS = "bad-status"
    PROTOCOL = "protocol"
    LATE = "late"


class Refusal(enum.StrEnum):
    """Why an agent did not answer in full: missing right, unknown token, or a filtered list."""

    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"
    FILTERED = "filtered"


class MarkName(enum.StrEnum):
    """The phases of a history as the drill marks them, and remarks."""

    CALM = "calm"
    FAULT = "fault"
    HEALED = "healed"
    SETTLED = "settled"
    NOTE = "note"


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Request number `n`: when it was due, and how long after that it was answered or failed.

    `instance` sent the response, `backend` is the balancer's list of attempts. `error` is None
    where the response was complete, in time, and 2xx.
    """

    n: int
    due: float
    latency: float
    method: str
    fresh: bool
    status: int | None = None
    error: Failure | None = None
    instance: str | None = None
    backend: str | None = None

    @property
    def over(self) -> float:
        """When it was answered or failed."""
        return self.due + self.latency

    @property
    def late(self) -> bool:
        """Whether the probe could not send it in time; such a request does not count."""
        return self.error is Failure.LATE

    @property
    def failed(self) -> bool:
        """Whether a user would have seen a failure."""
        return self.error is not None and not self.late

    @property
    def connection(self) -> str:
        """The kind of its connection."""
        return "fresh" if self.fresh else "kept"

    def to_line(self) -> dict[str, Any]:
        """The fields of its line."""
        line: dict[str, Any] = {
            "n": self.n,
            "due": round(self.due, 6),
            "latency": round(self.latency, 6),
            "method": self.method,
            "connection": self.connection,
            "status": self.status,
            "error": self.error,
            "instance": self.instance,
            "backend": self.backend,
        }
        return {key: value for key, value in line.items() if value is not None}

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Self:
        """The value of a line; KeyError or ValueError for an invalid one."""
        error = line.get("error")
        return cls(
            line["n"],
            line["due"],
            line["latency"],
            line["method"],
            line["connection"] == "fresh",
            line.get("status"),
            None if error is None else Failure(error),
            line.get("instance"),
            line.get("backend"),
        )


@dataclasses.dataclass(frozen=True)
class Mark:
    """What the drill did at this moment, and to which hosts.

    `hosts` are the names that the hosts' instances answer with. `addresses` belong to them one by
    one, or to no host where there are none. An address with a port means that one instance.
    """

    at: float
    mark: MarkName
    detail: str = ""
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def to_line(self) -> dict[str, Any]:
        """The fields of its line."""
        return {
            "at": round(self.at, 6),
            "mark": self.mark,
            "detail": self.detail,
            "hosts": list(self.hosts),
            "addresses": list(self.addresses),
        }

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Self:
        """The value of a line; KeyError or ValueError for an invalid one."""
        return cls(
            line["at"],
            MarkName(line["mark"]),
            line.get("detail", ""),
            tuple(line.get("hosts", ())),
            tuple(line.get("addresses", ())),
        )


@dataclasses.dataclass(frozen=True)
class Instance:
    """One passing instance as an agent lists it."""

    id: str
    node: str
    address: str
    port: int
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Member:
    """One member as an agent sees it; `status` is alive, leaving, left, failed or none."""

    name: str
    status: str
    address: str


@dataclasses.dataclass(frozen=True)
class LeaderEvent:
    """The leader that an agent knows: empty without one, None where the agent is silent."""

    kind: ClassVar[str] = "leader"
    at: float
    agent: str
    leader: str | None


@dataclasses.dataclass(frozen=True)
class RaftEvent:
    """An agent's term and role; all None where it is silent or refuses them."""

    kind: ClassVar[str] = "raft"
    at: float
    agent: str
    term: int | None = None
    state: str | None = None
    node: str | None = None
    address: str | None = None
    version: str | None = None


@dataclasses.dataclass(frozen=True)
class MembersEvent:
    """The members an agent knows, None where it is silent."""

    kind: ClassVar[str] = "members"
    at: float
    agent: str
    members: tuple[Member, ...] | None


@dataclasses.dataclass(frozen=True)
class PassingEvent:
    """The passing instances an agent lists, None where it is silent."""

    kind: ClassVar[str] = "passing"
    at: float
    agent: str
    instances: tuple[Instance, ...] | None


@dataclasses.dataclass(frozen=True)
class Reads:
    """An interval in which consistent reads were answered by some agent, or by none."""

    kind: ClassVar[str] = "reads"
    start: float
    end: float
    answered: bool
    reads: int


@dataclasses.dataclass(frozen=True)
class Refused:
    """An agent refuses or filters a path by the rights of the token; recorded once per path."""

    kind: ClassVar[str] = "refused"
    at: float
    agent: str
    path: str
    why: Refusal = Refusal.FORBIDDEN


@dataclasses.dataclass(frozen=True)
class Distrusted:
    """The certificate at `url` is not trusted, recorded once; no request was sent there."""

    kind: ClassVar[str] = "distrusted"
    at: float
    url: str
    reason: str


@dataclasses.dataclass(frozen=True)
class MetricsEvent:
    """The balancer's metrics that changed, None where it is silent."""

    kind: ClassVar[str] = "metrics"
    at: float
    values: Mapping[str, float] | None


@dataclasses.dataclass(frozen=True)
class Stall:
    """An interval in which the observer itself did not run."""

    kind: ClassVar[str] = "stall"
    start: float
    end: float


@dataclasses.dataclass(frozen=True)
class Heartbeat:
    """Written while the observer runs: requests and reads so far, CPU seconds so far."""

    kind: ClassVar[str] = "heartbeat"
    at: float
    requests: int
    reads: int
    cpu: float


@dataclasses.dataclass(frozen=True)
class Ended:
    """The last event: everything was written, `requests` requests in all."""

    kind: ClassVar[str] = "ended"
    at: float
    requests: int


Event = (
    LeaderEvent
    | RaftEvent
    | MembersEvent
    | PassingEvent
    | Reads
    | Refused
    | Distrusted
    | MetricsEvent
    | Stall
    | Heartbeat
    | Ended
)
_KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        *(LeaderEvent, RaftEvent, MembersEvent, PassingEvent, Reads),
        *(Refused, Distrusted),
        *(MetricsEvent, Stall, Heartbeat, Ended),
    )
}
# Empty and unknown differ in these fields: None stays in the line.
_NULLABLE = frozenset({"leader", "members", "instances", "values"})


def event_line(event: Event) -> dict[str, Any]:
    """The fields of an event's line."""
    fields = {key: _rounded(value) for key, value in dataclasses.asdict(event).items()}
    known = {key: value for key, value in fields.items() if value is not None or key in _NULLABLE}
    return {"kind": event.kind, **known}


def event_from_line(line: Mapping[str, Any]) -> Event | None:
    """The event of a line, None for a kind of a later version; TypeError for missing fields."""
    kind = _KINDS.get(line["kind"])
    if kind is None:
        return None
    names = {field.name for field in dataclasses.fields(kind)}
    fields: dict[str, Any] = {key: value for key, value in line.items() if key in names}
    if fields.get("members") is not None:
        fields["members"] = tuple(_within(Member, entry) for entry in fields["members"])
    if fields.get("instances") is not None:
        fields["instances"] = tuple(
            _within(Instance, {**entry, "tags": tuple(entry.get("tags", ()))})
            for entry in fields["instances"]
        )
    if "why" in fields:
        fields["why"] = Refusal(fields["why"])
    return kind(**fields)


def _within(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    """The value made of the fields that this version knows."""
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in fields.items() if key in names})


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
