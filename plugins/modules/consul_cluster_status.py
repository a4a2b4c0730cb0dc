#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report the health of a Consul cluster, and wait for conditions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_cluster_status
short_description: Report the health of a Consul cluster, and wait for conditions
version_added: 1.0.0
description:
  - Reports leader, Raft term, Raft peers, gossip members, autopilot health and failure tolerance, with a verdict and its reasons.
  - With O(wait_for) it waits until all conditions are met. It fails at O(wait_timeout) and names the conditions that are not met.
  - It is not named C(_info) because it can fail on purpose, as a gate in a play.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Reads the status once, does not wait, and does not fail if the cluster does not exist yet.
  diff_mode:
    support: N/A
    description: Does not change anything.
  idempotent:
    support: full
    description: Never reports a change.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  wait_for:
    description: Conditions to wait for. Numbers are minimums.
    type: dict
    default: {}
    suboptions:
      leader:
        description: Whether the cluster has a leader.
        type: bool
      members:
        description: Number of agents that are alive.
        type: int
      servers:
        description: Number of servers that are alive.
        type: int
      voters:
        description: Number of voting servers.
        type: int
      failure_tolerance:
        description: Number of servers that the cluster can lose without losing quorum.
        type: int
      healthy:
        description: Whether autopilot reports the cluster as healthy.
        type: bool
  wait_timeout:
    description: Maximum seconds to wait for O(wait_for).
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Wait until the cluster tolerates the loss of one server
  rollcall.discovery.consul_cluster_status:
    wait_for:
      leader: true
      voters: 3
      failure_tolerance: 1
    wait_timeout: 90

- name: Get the order for a rolling restart of the servers
  rollcall.discovery.consul_cluster_status:
    url: http://127.0.0.1:8500
  register: cluster
"""

RETURN = r"""
leader:
  description: Address of the leader, empty without one.
  returned: success
  type: str
  sample: 10.111.152.136:8300
leader_node:
  description: Node name of the leader, empty without one.
  returned: success
  type: str
term:
  description: The Raft term that this agent knows, null on a client agent.
  returned: success
  type: int
datacenter:
  description: The agent's datacenter.
  returned: success
  type: str
peers:
  description: The servers of the Raft configuration.
  returned: success
  type: list
  elements: dict
  contains:
    node: {description: Node name., type: str}
    address: {description: Address and port., type: str}
    voter: {description: Whether it is a voter., type: bool}
    leader: {description: Whether it is the leader., type: bool}
    last_index: {description: "Its last log index, null if autopilot does not report it.", type: int}
members:
  description: The agents in the gossip pool.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Node name., type: str}
    address: {description: Address., type: str}
    status: {description: 'V(alive), V(failed), V(left) or V(leaving).', type: str}
    role: {description: V(server) or V(client)., type: str}
    version: {description: Consul's version., type: str}
autopilot:
  description: The report of autopilot.
  returned: success
  type: dict
  contains:
    healthy: {description: "Whether the cluster is healthy, null if unknown.", type: bool}
    failure_tolerance: {description: "Number of servers that the cluster can lose, null if unknown.", type: int}
versions:
  description: Consul versions of the members that are alive.
  returned: success
  type: list
  elements: str
version_skew:
  description: Whether there is more than one version.
  returned: success
  type: bool
verdict:
  description:
    - V(ok), V(degraded), V(down) or V(unknown).
    - V(unknown) if the agent does not answer in check mode, or if all visible members are healthy but the token
      lacks C(node:read) for some.
  returned: success
  type: str
reasons:
  description: Why the verdict is not V(ok).
  returned: success
  type: list
  elements: str
restart_order:
  description: Servers in the order of a safe rolling restart, the leader last.
  returned: success
  type: list
  elements: str
"""

import dataclasses
import os
from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.polling import poll
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.model import (
    ClusterState,
    assess,
    restart_order,
    unmet,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.observe import (
    observe,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    connection,
)

WAIT_FOR = {
    "leader": {"type": "bool"},
    "members": {"type": "int"},
    "servers": {"type": "int"},
    "voters": {"type": "int"},
    "failure_tolerance": {"type": "int"},
    "healthy": {"type": "bool"},
}


def wait(agent: Connection, wanted: dict, seconds: float) -> ClusterState:
    """Poll until all conditions are met; ConsulError with the missing ones at the deadline."""
    client = ConsulClient(agent)

    def failure(state: ClusterState, missing: Sequence[str]) -> ConsulError:
        reasons = "; ".join(assess(state)[1]) or "no problem is known"
        return ConsulError(
            f"after {seconds:.0f} s the cluster lacks: {', '.join(missing)}. The agent at "
            f"{agent.url} reports: {reasons}. Fix that, or raise wait_timeout"
        )

    return poll(
        lambda: observe(client),
        lambda state: unmet(state, wanted),
        seconds,
        failure=failure,
        retry_on=(ConsulError,),
    )


def report(seen: ClusterState, verdict: str, reasons: list) -> dict:
    """The module's return values."""
    return {
        "changed": False,
        "leader": seen.leader,
        "leader_node": seen.leader_node,
        "term": seen.term,
        "datacenter": seen.datacenter,
        "peers": [dataclasses.asdict(peer) for peer in seen.peers],
        "members": [dataclasses.asdict(member) for member in seen.members],
        "autopilot": {"healthy": seen.healthy, "failure_tolerance": seen.failure_tolerance},
        "versions": list(seen.versions),
        "version_skew": len(seen.versions) > 1,
        "verdict": verdict,
        "reasons": reasons,
        "restart_order": restart_order(seen),
    }


def run(module: AnsibleModule) -> dict:
    """Read the state, wait if requested, and report."""
    if not require(module, "consul"):
        return report(ClusterState(), "unknown", ["the Python library consul is not installed yet"])
    agent = connection(module.params, os.environ)
    if module.check_mode:
        try:
            seen = observe(ConsulClient(agent))
        except ConsulError as error:
            return report(ClusterState(), "unknown", [str(error)])
    else:
        wanted = {
            key: value for key, value in module.params["wait_for"].items() if value is not None
        }
        seen = wait(agent, wanted, module.params["wait_timeout"] if wanted else 0)
    if seen.hidden:
        module.warn(seen.hidden)
    return report(seen, *assess(seen))


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={
            "wait_for": {"type": "dict", "options": WAIT_FOR, "default": {}},
            "wait_timeout": {"type": "int", "default": 60},
            **CONNECTION,
        },
        supports_check_mode=True,
    )
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
