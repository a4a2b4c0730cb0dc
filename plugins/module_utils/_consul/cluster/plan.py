# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Whether a server must transfer its leadership, and whether a member must be removed. No I/O."""

from __future__ import annotations

from ..._base.plan import Diff
from ..transport.errors import ConsulError
from .model import ClusterState


def plan_transfer(state: ClusterState, node: str) -> Diff:
    """The leader's node name before and after.

    The servers elect the next leader: of the side after it is only known that it is another one.
    """
    leader = state.leader_node
    after = f"not {node}" if must_transfer(state, node) else leader
    return Diff({"leader": leader}, {"leader": after})


def plan_removal(state: ClusterState, name: str) -> Diff:
    """The member's status before and after."""
    return Diff({name: state.member_status(name)}, {name: "absent"})


def must_transfer(state: ClusterState, node: str) -> bool:
    """Whether `node` is the leader and another server can take over.

    Raises ConsulError if it is the leader and no server can take over, or if it is not a server.
    """
    if node not in {peer.node for peer in state.peers}:
        known = ", ".join(sorted(peer.node for peer in state.peers)) or "none"
        raise ConsulError(f"{node} is not a server of this cluster: its servers are {known}")
    if state.leader_node != node:
        return False
    alive = {member.name for member in state.alive_servers}
    others = [peer for peer in state.peers if peer.voter and peer.node != node]
    if not any(peer.node in alive for peer in others):
        raise ConsulError(
            f"{node} is the leader, and no other voting server is alive: nobody could take over. "
            "Wait with consul_cluster_status until failure_tolerance is 1"
        )
    return True
