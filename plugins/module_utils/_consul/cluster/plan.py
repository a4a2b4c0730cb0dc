# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Whether a server has to hand its leadership over. No I/O."""

from __future__ import annotations

from ..._base.plan import Diff
from ..transport.errors import ConsulError
from .model import Observation


def leader_of(seen: Observation) -> str:
    """The node name of the leader, empty without one."""
    return next((peer.node for peer in seen.peers if peer.leader), "")


def must_transfer(seen: Observation, node: str) -> bool:
    """Whether `node` leads and another server can take over.

    Raises ConsulError where it leads and nobody could, or where it is no server at all.
    """
    if node not in {peer.node for peer in seen.peers}:
        known = ", ".join(sorted(peer.node for peer in seen.peers)) or "none"
        raise ConsulError(f"{node} is no server of this cluster: its servers are {known}")
    if leader_of(seen) != node:
        return False
    alive = {member.name for member in seen.alive_servers}
    others = [peer for peer in seen.peers if peer.voter and peer.node != node]
    if not any(peer.node in alive for peer in others):
        raise ConsulError(
            f"{node} leads, and no other server that votes is alive: nobody could take over. "
            "Wait with consul_cluster_status until failure_tolerance is 1"
        )
    return True


def plan(seen: Observation, node: str) -> Diff:
    """What is so and what shall be: the leader's node name.

    Who takes over is the servers' choice: of the side after, only that it is another one is known.
    """
    leader = leader_of(seen)
    after = f"not {node}" if must_transfer(seen, node) else leader
    return Diff({"leader": leader}, {"leader": after})
