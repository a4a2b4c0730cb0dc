# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""One look at a cluster: the requests that make an Observation."""

from __future__ import annotations

import typing as t

from .client import ConsulClient
from .cluster import Member, Observation, peers_of
from .errors import Unavailable


def observe(client: ConsulClient) -> Observation:
    """Ask the agent for everything it can tell now.

    A cluster without a leader still answers for leader and members; what needs the leader stays
    empty. Raises ConsulError where the agent itself does not answer or forbids it.
    """
    itself = client.get("/v1/agent/self") or {}
    members = client.get("/v1/agent/members") or []
    leader = _optional(client, "/v1/status/leader") or ""
    configuration = _optional(client, "/v1/operator/raft/configuration") if leader else None
    health = _optional(client, "/v1/operator/autopilot/health") if leader else None
    term = (itself.get("Stats") or {}).get("raft", {}).get("term")
    return Observation(
        leader=leader,
        term=int(term) if term is not None else None,
        datacenter=(itself.get("Config") or {}).get("Datacenter", ""),
        members=tuple(Member.from_api(entry) for entry in members),
        peers=peers_of(configuration, health),
        healthy=health.get("Healthy") if health else None,
        failure_tolerance=health.get("FailureTolerance") if health else None,
    )


def _optional(client: ConsulClient, path: str) -> t.Any:
    """An answer that needs a leader, None while there is none."""
    try:
        return client.get(path)
    except Unavailable:
        return None
