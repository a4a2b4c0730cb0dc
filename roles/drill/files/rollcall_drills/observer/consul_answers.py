"""The parsers for the JSON answers of a Consul agent. Pure.

A document of another shape raises KeyError, TypeError, ValueError or AttributeError.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..history.records import Instance, Member

# serf's numbers, as /v1/agent/members gives them.
_STATUS = {0: "none", 1: "alive", 2: "leaving", 3: "left", 4: "failed"}


@dataclasses.dataclass(frozen=True)
class Self:
    """An agent's `/v1/agent/self`; a client agent has neither term nor state."""

    term: int | None
    state: str | None
    node: str
    address: str
    version: str


def leader(document: Any) -> str:
    """`/v1/status/leader`: the leader's address, empty where the agent knows none."""
    if not isinstance(document, str):
        raise TypeError(f"{document!r} is no address")
    return document


def self_(document: Any) -> Self:
    """`/v1/agent/self`."""
    stats = document["Stats"].get("raft") or {}
    return Self(
        int(stats["term"]) if "term" in stats else None,
        stats.get("state"),
        document["Config"]["NodeName"],
        document["Member"]["Addr"],
        document["Config"].get("Version", ""),
    )


def members(document: Any) -> tuple[Member, ...]:
    """`/v1/agent/members`, by name."""
    found = [
        Member(entry["Name"], _STATUS.get(entry["Status"], "none"), entry["Addr"])
        for entry in document
    ]
    return tuple(sorted(found, key=lambda member: member.name))


def passing(document: Any) -> tuple[Instance, ...]:
    """`/v1/health/service/<name>?passing`, by node and id.

    A service without an address of its own is reached at its node's.
    """
    found = [
        Instance(
            entry["Service"]["ID"],
            entry["Node"]["Node"],
            entry["Service"]["Address"] or entry["Node"]["Address"],
            entry["Service"]["Port"],
            tuple(entry["Service"].get("Tags") or ()),
        )
        for entry in document
    ]
    return tuple(sorted(found, key=lambda instance: (instance.node, instance.id)))


def metrics(text: str) -> dict[str, float]:
    """The stack's own metrics in Prometheus' text: name and labels to value.

    Lines that are no sample are passed over.
    """
    found = {}
    for line in text.splitlines():
        if line.startswith(("nginx_lb_", "rollcall_")):
            # A label's value may hold blanks, so the name ends at the last brace.
            name, brace, rest = line.rpartition("}")
            if not brace:
                name, _blank, rest = line.partition(" ")
            try:
                found[name + brace] = float(rest.split()[0])
            except (IndexError, ValueError):
                continue
    return found
