# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The state of a Consul cluster: its members and peers, a verdict, what is missing. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

_STATUS = {0: "none", 1: "alive", 2: "leaving", 3: "left", 4: "failed"}


@dataclasses.dataclass(frozen=True)
class Member:
    """One agent in the gossip pool."""

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
    """One server of the Raft configuration; `last_index` is None unless autopilot reports it."""

    node: str
    address: str
    voter: bool
    leader: bool
    last_index: int | None = None


@dataclasses.dataclass(frozen=True)
class ClusterState:
    """What an agent reported at one moment; a part that it could not report is empty.

    `hidden` is a sentence about members that the ACL token may not read, empty if there are none.
    """

    leader: str = ""
    term: int | None = None
    datacenter: str = ""
    members: tuple[Member, ...] = ()
    peers: tuple[Peer, ...] = ()
    healthy: bool | None = None
    failure_tolerance: int | None = None
    hidden: str = ""

    @property
    def leader_node(self) -> str:
        """The node name of the leader, empty without one."""
        return next((peer.node for peer in self.peers if peer.leader), "")

    def member_status(self, name: str) -> str:
        """The status of a member in the gossip pool, `absent` if it is not a member."""
        return next((member.status for member in self.members if member.name == name), "absent")

    @property
    def alive_servers(self) -> tuple[Member, ...]:
        """The servers that are alive in the gossip pool."""
        return tuple(m for m in self.members if m.role == "server" and m.status == "alive")

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the members that are alive, each once."""
        return tuple(sorted({m.version for m in self.members if m.status == "alive"}))


def peers_of(
    configuration: t.Mapping[str, t.Any] | None, health: t.Mapping[str, t.Any] | None
) -> tuple[Peer, ...]:
    """Join the Raft configuration with the last log index of each server from autopilot."""
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


def assess(state: ClusterState) -> tuple[str, list[str]]:
    """The verdict `ok`, `degraded`, `down` or `unknown`, with a reason for each problem.

    `unknown`: all visible members are healthy, and the token may not read all of them.
    """
    if not state.leader:
        verdict, reasons = "down", ["there is no leader: nothing can be written"]
    else:
        reasons = _problems(state)
        verdict = "degraded" if reasons else "ok"
    if state.hidden:
        return ("unknown" if verdict == "ok" else verdict), [*reasons, state.hidden]
    return verdict, reasons


def unmet(seen: ClusterState, wanted: t.Mapping[str, t.Any]) -> list[str]:
    """The conditions of `wait_for` that are not met, one phrase each; numbers are minimums."""
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


def restart_order(seen: ClusterState) -> list[str]:
    """Server nodes in the order of a safe rolling restart: stale ones late, the leader last."""
    followers = sorted(
        (peer for peer in seen.peers if not peer.leader),
        key=lambda peer: (-(peer.last_index or 0), peer.node),
    )
    return [peer.node for peer in followers] + [p.node for p in seen.peers if p.leader]


def _problems(state: ClusterState) -> list[str]:
    """What is wrong with a cluster that has a leader."""
    reasons = [f"{m.role} {m.name} is {m.status}" for m in state.members if m.status == "failed"]
    reasons += [f"server {peer.node} is not a voter yet" for peer in state.peers if not peer.voter]
    if state.healthy is False:
        reasons.append("autopilot reports the cluster as unhealthy")
    # One server is a choice; three that cannot lose one are at risk.
    if len(state.peers) > 2 and state.failure_tolerance == 0:
        reasons.append("the loss of one more server stops the cluster")
    if len(state.versions) > 1:
        reasons.append(f"versions differ: {', '.join(state.versions)}")
    return reasons
