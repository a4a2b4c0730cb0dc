#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfer the Raft leadership away from a Consul server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_leadership
short_description: Transfer the Raft leadership away from a Consul server
version_added: 1.0.0
description:
  - Makes sure that a server is not the leader. A leadership transfer is immediate, while stopping the leader leaves the cluster without one until an election.
  - The servers elect the next leader.
  - Use it before a planned stop of a server, such as in a rolling restart in the order of RV(rollcall.discovery.consul_cluster_status#module:restart_order).
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts whether the leadership would be transferred. Predicts no change if the agent does not exist yet.
  diff_mode:
    support: full
    description: Shows the leader before and after.
  idempotent:
    support: full
    description: No change for a server that is not the leader.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  node:
    description: Node name of the server that must not be the leader, by default that of the agent at O(url).
    type: str
  wait_timeout:
    description: Maximum seconds to wait for another leader.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Transfer the leadership away from this host's server before stopping it
  rollcall.discovery.consul_leadership:

- name: Transfer the leadership away from another server
  rollcall.discovery.consul_leadership:
    node: consulserver-node1
    wait_timeout: 20
"""

RETURN = r"""
leader_before:
  description: Node name of the leader before.
  returned: success
  type: str
  sample: consulserver-node1
leader:
  description: Node name of the leader now, unchanged in check mode.
  returned: success
  type: str
  sample: consulserver-node2
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.polling import poll
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.node_agent import (
    node_of,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.model import (
    ClusterState,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.observe import (
    observe,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.plan import (
    plan_transfer,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    connection,
)

# A transfer takes some tens of milliseconds, and a poll a few requests to the local agent.
PAUSE_SECONDS = 0.05


def transfer(client: ConsulClient, node: str, seconds: float) -> ClusterState:
    """Transfer the leadership, and poll until another server leads; ConsulError at the deadline."""
    client.post("/v1/operator/raft/transfer-leader")
    return poll(
        lambda: observe(client),
        lambda state: ["another leader"] if state.leader_node in ("", node) else [],
        seconds,
        failure=lambda _state, _missing: ConsulError(
            f"{node} was asked to transfer its leadership, and {seconds:g} s later no other server "
            "leads. Check the cluster with consul_cluster_status, or raise wait_timeout"
        ),
        pause=PAUSE_SECONDS,
    )


def run(module: AnsibleModule) -> dict:
    """Read the state, plan once, and transfer the leadership unless in check mode."""
    nothing = {"changed": False, "leader_before": "", "leader": ""}
    if not require(module, "consul"):
        return nothing
    client = ConsulClient(connection(module.params, os.environ))
    try:
        before = observe(client)
        node = module.params["node"] or node_of(client).name
    except Unreachable:
        if module.check_mode:
            return nothing
        raise
    plan, after = plan_transfer(before, node), before
    if plan.changed and not module.check_mode:
        after = transfer(client, node, module.params["wait_timeout"])
    return {
        **plan.report(diff=module._diff),
        "leader_before": before.leader_node,
        "leader": after.leader_node,
    }


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str"},
            "wait_timeout": {"type": "int", "default": 10},
            **CONNECTION,
        },
        supports_check_mode=True,
    )
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
