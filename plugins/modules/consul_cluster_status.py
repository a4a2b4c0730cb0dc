#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell how a Consul cluster is, and wait until it is as wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_cluster_status
short_description: Tell how a Consul cluster is, and wait until it is as wanted
version_added: 1.0.0
description:
  - Reports leader, term, peers, members, autopilot's health and failure tolerance, with a verdict and its reasons.
  - With O(wait_for) it waits until all that is named holds, and fails with what is missing when it does not in time.
  - It is not named C(_info) because it can fail on purpose. It is a gate in plays, not only a reader.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Looks once, waits for nothing, and does not fail on a cluster that is not there yet.
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
    description: What must hold. Numbers are minimums.
    type: dict
    default: {}
    suboptions:
      leader:
        description: Whether there is a leader.
        type: bool
      members:
        description: Agents that are alive.
        type: int
      servers:
        description: Servers that are alive.
        type: int
      voters:
        description: Servers that vote.
        type: int
      failure_tolerance:
        description: Servers that may be lost.
        type: int
      healthy:
        description: Whether autopilot calls the cluster healthy.
        type: bool
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Wait until the cluster survives the loss of a server
  rollcall.discovery.consul_cluster_status:
    wait_for:
      leader: true
      voters: 3
      failure_tolerance: 1
    wait_timeout: 90

- name: Learn in which order the servers can be restarted
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
  description: Raft's term as this agent knows it, null on a client agent.
  returned: success
  type: int
datacenter:
  description: The agent's datacenter.
  returned: success
  type: str
peers:
  description: The servers as Raft knows them.
  returned: success
  type: list
  elements: dict
  contains:
    node: {description: Node name., type: str}
    address: {description: Address and port., type: str}
    voter: {description: Whether it votes., type: bool}
    leader: {description: Whether it leads., type: bool}
    last_index: {description: "Its last log index, null where autopilot does not tell.", type: int}
members:
  description: The agents as the gossip sees them.
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
  description: What autopilot says.
  returned: success
  type: dict
  contains:
    healthy: {description: "Whether all is well, null where nobody knows.", type: bool}
    failure_tolerance: {description: "Servers that may be lost, null where nobody knows.", type: int}
versions:
  description: Versions that run.
  returned: success
  type: list
  elements: str
version_skew:
  description: Whether more than one version runs.
  returned: success
  type: bool
verdict:
  description:
    - V(ok), V(degraded), V(down) or V(unknown).
    - Nothing is known of an agent that does not answer in check mode, and not enough where all seems well but
      the token, without node:read, may not see every member.
  returned: success
  type: str
reasons:
  description: Why the verdict is not V(ok).
  returned: success
  type: list
  elements: str
restart_order:
  description: Servers in the order they can be restarted safely, the leader last.
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
    """Look, wait if asked to, and report."""
    if not require(module, "consul"):
        return report(ClusterState(), "unknown", ["the library to ask with is not installed yet"])
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
