# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads the state of a cluster from one agent."""

from __future__ import annotations

import typing as t

from ..transport.client import ConsulClient
from ..transport.errors import Unavailable
from .model import ClusterState, Member, peers_of


def observe(client: ConsulClient) -> ClusterState:
    """The state of the cluster as this agent reports it.

    Without a leader, the parts that need one stay empty. Raises ConsulError if the agent does not
    answer, or the ACL token lacks a permission for it.
    """
    itself = client.get("/v1/agent/self") or {}
    entries, filtered = client.get_with_acl_filter("/v1/agent/members")
    # The agent returns the members in a different order each time.
    members = tuple(
        sorted((Member.from_api(entry) for entry in entries or []), key=lambda each: each.name)
    )
    leader = _optional(client, "/v1/status/leader") or ""
    configuration = _optional(client, "/v1/operator/raft/configuration") if leader else None
    health = _optional(client, "/v1/operator/autopilot/health") if leader else None
    term = (itself.get("Stats") or {}).get("raft", {}).get("term")
    peers = peers_of(configuration, health)
    return ClusterState(
        leader=leader,
        term=int(term) if term is not None else None,
        datacenter=(itself.get("Config") or {}).get("Datacenter", ""),
        members=members,
        peers=peers,
        healthy=health.get("Healthy") if health else None,
        failure_tolerance=health.get("FailureTolerance") if health else None,
        hidden=_hidden(
            filtered, {member.name for member in members}, {peer.node for peer in peers}
        ),
    )


def _hidden(filtered: bool, members: set[str], peers: set[str]) -> str:
    """A sentence about members that the ACL token may not read.

    Consul answers with a filtered list and status 200. Without a token it does not even report the
    filtering: then the list is compared with the Raft peers.
    """
    remedy = 'Grant the ACL token node_prefix "" with the policy read'
    if not members:
        return f"no member is visible because the token lacks node:read. {remedy}"
    if filtered:
        return f"some members are not visible because the token lacks node:read for them. {remedy}"
    unseen = sorted(peers - members)
    if unseen:
        return (
            f"the Raft peer {', '.join(unseen)} is not among the members: it left, or the token "
            f"lacks node:read. {remedy}"
        )
    return ""


def _optional(client: ConsulClient, path: str) -> t.Any:
    """An answer that needs a leader, None if there is none."""
    try:
        return client.get(path)
    except Unavailable:
        return None
