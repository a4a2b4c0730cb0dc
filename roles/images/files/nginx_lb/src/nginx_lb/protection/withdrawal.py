"""Which instances get no requests although Consul did not remove them. Pure.

While Consul does not answer, or an instance is held, nothing tells that its container is gone and
that its port is another container's. Its host refuses connections in between, and an instance of a
service with a verification says itself what it is.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Mapping

from ..model import Endpoint, Record
from ..settings.model import Verification


class Finding(enum.Enum):
    """What became of a connection to an instance."""

    REFUSED = "refuses connections"
    OTHER = "answers as another service"
    VERIFIED = "answers as this service"
    # Accepted and not asked what it is, silent, or broken.
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Target:
    """An instance to ask: of which service, where, and how it is known."""

    service: str
    endpoint: Endpoint
    verification: Verification


def proven(findings: Mapping[Target, Finding]) -> frozenset[tuple[str, Verification]]:
    """The services that an instance has verified, each with how."""
    return frozenset(
        (target.service, target.verification)
        for target, finding in findings.items()
        if finding is Finding.VERIFIED
    )


def concluded(
    records: Mapping[str, Record],
    findings: Mapping[Target, Finding],
    known: Collection[tuple[str, Verification]],
    max_drop: float,
) -> dict[str, Record]:
    """The records after these findings.

    Another answer is another service's where the verification is `known` to be right. Else it is
    taken for a mistake in the settings, and changes nothing.
    """
    found: dict[str, dict[Endpoint, Finding]] = {}
    for target, finding in findings.items():
        if finding is not Finding.OTHER or (target.service, target.verification) in known:
            found.setdefault(target.service, {})[target.endpoint] = finding
    return {
        name: dataclasses.replace(record, withdrawn=_withdrawn(record, found[name], max_drop))
        if name in found
        else record
        for name, record in records.items()
    }


def _withdrawn(
    record: Record, findings: Mapping[Endpoint, Finding], max_drop: float
) -> frozenset[Endpoint]:
    """The endpoints of the record that get no requests.

    What refuses stays in rotation where more than `max_drop` of what Consul confirmed last would be
    out: a firewall between us and all of them refuses too.
    """

    def with_finding(finding: Finding) -> frozenset[Endpoint]:
        return frozenset(each for each in record.endpoints if findings.get(each) is finding)

    out = record.withdrawn & record.endpoints
    out = (out - with_finding(Finding.VERIFIED)) | with_finding(Finding.OTHER)
    confirmed = record.confirmed or record.endpoints
    gone = confirmed - record.endpoints
    for endpoint in sorted(with_finding(Finding.REFUSED) - out):
        if len(gone | (out & confirmed) | {endpoint}) <= max_drop * len(confirmed):
            out |= {endpoint}
    return out
