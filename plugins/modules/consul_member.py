#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a failed or stopped agent from a Consul cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_member
short_description: Remove a failed or stopped agent from a Consul cluster
version_added: 1.0.0
description:
  - Removes an agent that was stopped for good, or whose machine is gone, from the gossip pool, from the catalog and, for a server, from the Raft peers.
  - This is C(consul force-leave -prune).
  - Without it the other members regard the agent as failed, and try to reconnect for three days.
  - Waits for an agent that is still alive to stop, because a running agent would rejoin.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts whether the member would be removed. Does not wait.
  diff_mode:
    support: full
    description: Shows the member's status before and after.
  idempotent:
    support: full
    description: No change if there is no such member.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  name:
    description: Node name of the agent.
    type: str
    required: true
  state:
    description: Only V(absent) is supported, because agents join by themselves.
    type: str
    choices: [absent]
    default: absent
  wait_timeout:
    description: Maximum seconds to wait until the agent is not alive, and again until it is removed.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Remove a client agent whose container was removed
  rollcall.discovery.consul_member:
    url: http://127.0.0.1:8500
    name: consulclient-node4
"""

RETURN = r"""
status_before:
  description: Status of the member before, V(absent) if there was none.
  returned: success
  type: str
  sample: failed
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.polling import poll
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.observe import (
    observe,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.cluster.plan import (
    plan_removal,
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


def wait(
    client: ConsulClient, name: str, enough: t.Callable[[str], bool], seconds: float, hint: str
) -> None:
    """Poll until the member's status is enough; ConsulError with the hint at the deadline."""
    poll(
        lambda: observe(client).member_status(name),
        lambda status: [] if enough(status) else [status],
        seconds,
        failure=lambda status, _: ConsulError(
            f"after {seconds:g} s the member {name} is {status}. {hint}"
        ),
    )


def remove(client: ConsulClient, name: str, seconds: float) -> None:
    """Wait until the agent has stopped, and remove it from the cluster."""
    stop = "Stop its agent first, or raise wait_timeout"
    wait(client, name, lambda status: status not in ("alive", "leaving"), seconds, stop)
    client.put(f"/v1/agent/force-leave/{name}", prune="")
    hint = "Check the members with consul_cluster_status, or raise wait_timeout"
    wait(client, name, lambda status: status == "absent", seconds, hint)


def run(module: AnsibleModule) -> dict:
    """Read the state, plan once, and remove the member unless in check mode."""
    if not require(module, "consul"):
        return {"changed": False, "status_before": "absent"}
    client = ConsulClient(connection(module.params, os.environ))
    name = module.params["name"]
    try:
        state = observe(client)
    except Unreachable:
        if module.check_mode:
            return {"changed": False, "status_before": "absent"}
        raise
    plan = plan_removal(state, name)
    if plan.changed and not module.check_mode:
        remove(client, name, module.params["wait_timeout"])
    return {**plan.report(diff=module._diff), "status_before": state.member_status(name)}


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["absent"], "default": "absent"},
            "wait_timeout": {"type": "int", "default": 60},
            **CONNECTION,
        },
        supports_check_mode=True,
    )
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
