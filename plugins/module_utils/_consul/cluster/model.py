# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A Consul cluster as values: what was observed, what it means, whether it is enough. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

_STATUS = {0: "none", 1: "alive", 2: "leaving", 3: "left", 4: "failed"}


@dataclasses.dataclass(frozen=True)
class Member:
    """One agent as the gossip sees it."""

    name: str
    address: str
    status: str
    role: str
    version: str

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Member:
        """Read an entry of /v1/agent/members."""
        tags = entry.get("Tags") or {}
        return cls(
            name=entry["Name"],
            address=entry["Addr"],
            status=_STATUS.get(entry["Status"], "unknown"),
            role="server" if tags.get("role") == "consul" else "client",
            version=str(tags.get("build", "")).partition(":")[0],
        )


@dataclasses.dataclass(frozen=True)
class Peer:
    """One server as Raft knows it; `last_index` is None where autopilot does not tell."""

    node: str
    address: str
    voter: bool
    leader: bool
    last_index: int | None = None


@dataclasses.dataclass(frozen=True)
class Observation:
    """What the agent answered at one moment; empty parts are those it could not tell."""

    leader: str = ""
    term: int | None = None
    datacenter: str = ""
    members: tuple[Member, ...] = ()
    peers: tuple[Peer, ...] = ()
    healthy: bool | None = None
    failure_tolerance: int | None = None

    @property
    def alive_servers(self) -> tuple[Member, ...]:
        """The servers that answer the gossip."""
        return tuple(m for m in self.members if m.role == "server" and m.status == "alive")

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that run, without repetition."""
        return tuple(sorted({m.version for m in self.members if m.status == "alive"}))


def peers_of(
    configuration: t.Mapping[str, t.Any] | None, health: t.Mapping[str, t.Any] | None
) -> tuple[Peer, ...]:
    """Join Raft's configuration with the last index that autopilot knows of each server."""
    servers = (health or {}).get("Servers") or []
    indexes = {server["ID"]: server.get("LastIndex") for server in servers}
    return tuple(
        Peer(
            node=server["Node"],
            address=server["Address"],
            voter=server["Voter"],
            leader=server["Leader"],
            last_index=indexes.get(server["ID"]),
        )
        for server in (configuration or {}).get("Servers") or []
    )


def assess(seen: Observation) -> tuple[str, list[str]]:
    """The verdict `ok`, `degraded` or `down`, with a reason for each thing that is not well."""
    if not seen.leader:
        return "down", ["there is no leader: nothing can be written"]
    reasons = [f"{m.role} {m.name} is {m.status}" for m in seen.members if m.status == "failed"]
    reasons += [f"server {peer.node} does not vote yet" for peer in seen.peers if not peer.voter]
    if seen.healthy is False:
        reasons.append("autopilot calls the cluster unhealthy")
    # One server is a choice; three that cannot lose one are an accident waiting to happen.
    if len(seen.peers) > 2 and seen.failure_tolerance == 0:
        reasons.append("the loss of one more server stops the cluster")
    if len(seen.versions) > 1:
        reasons.append(f"versions differ: {', '.join(seen.versions)}")
    return ("degraded" if reasons else "ok"), reasons


def unmet(seen: Observation, wanted: t.Mapping[str, t.Any]) -> list[str]:
    """What of `wait_for` does not hold, one phrase each; numbers are minimums."""
    counts = {
        "members": sum(member.status == "alive" for member in seen.members),
        "servers": len(seen.alive_servers),
        "voters": sum(peer.voter for peer in seen.peers),
        "failure_tolerance": seen.failure_tolerance or 0,
    }
    missing = [
        f"{name.replace('_', ' ')} {have} of {wanted[name]}"
        for name, have in counts.items()
        if wanted.get(name) is not None and have < wanted[name]
    ]
    if wanted.get("leader") is not None and bool(seen.leader) != wanted["leader"]:
        missing.insert(0, "a leader" if wanted["leader"] else "no leader")
    if wanted.get("healthy") is not None and seen.healthy is not wanted["healthy"]:
        missing.append("healthy" if wanted["healthy"] else "unhealthy")
    return missing


def restart_order(seen: Observation) -> list[str]:
    """Server nodes in a safe order to restart them: laggards late, the leader at the end."""
    followers = sorted(
        (peer for peer in seen.peers if not peer.leader),
        key=lambda peer: (-(peer.last_index or 0), peer.node),
    )
    return [peer.node for peer in followers] + [p.node for p in seen.peers if p.leader]
