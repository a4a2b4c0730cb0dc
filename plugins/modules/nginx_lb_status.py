#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report the status of an nginx load balancer, and wait for conditions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_lb_status
short_description: Report the status of an nginx load balancer, and wait for conditions
version_added: 1.0.0
description:
  - Reads the status pages of a load balancer of the role P(rollcall.discovery.nginx_lb#role).
  - With O(wait_for) it waits until all conditions are met. It fails at O(wait_timeout) and names the conditions that are not met.
  - Run it on the host of each load balancer. Once an instance is drained from all of them, it can be stopped without failed requests.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Reads the status once, does not wait, and does not fail if the load balancer does not exist yet.
  diff_mode:
    support: N/A
    description: Does not change anything.
  idempotent:
    support: full
    description: Never reports a change.
options:
  url:
    description: URL of the status server of the load balancer.
    type: str
    default: http://127.0.0.1:8404
  wait_for:
    description: Conditions to wait for.
    type: dict
    default: {}
    suboptions:
      settings:
        description:
          - Revision of the settings that must be active.
          - The module fails at once, with the reason, if the load balancer rejects them.
        type: str
      synced:
        description: Whether Consul must have reported all followed services since the settings came into use.
        type: bool
        default: false
      state:
        description: Accepted states.
        type: list
        elements: str
        choices: [fresh, held, stale]
        default: []
      serving:
        description: Instances that must be in rotation, by identifier in Consul or as C(address:port).
        type: list
        elements: str
        default: []
      without:
        description:
          - Instances that must be drained, by identifier in Consul or as C(address:port).
          - Drained means that no worker of the load balancer can send a request to them, and that all their requests are finished.
        type: list
        elements: str
        default: []
  wait_timeout:
    description: Maximum seconds to wait for O(wait_for).
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Wait until an instance is drained from this load balancer
  rollcall.discovery.nginx_lb_status:
    wait_for:
      without: ["10.111.152.99:32768"]
    wait_timeout: 60

- name: Read the status of a load balancer
  rollcall.discovery.nginx_lb_status:
    url: http://127.0.0.1:8404
  register: balancer
"""

RETURN = r"""
reachable:
  description: Whether the load balancer answers; always true, except in check mode.
  returned: success
  type: bool
state:
  description: V(fresh), V(held) or V(stale); V(unknown) in check mode if the load balancer does not answer.
  returned: success
  type: str
reason:
  description: The reason for the state, empty if it is V(fresh).
  returned: success
  type: str
generation:
  description: The active generation of the configuration, null if unknown.
  returned: success
  type: int
settings:
  description: The active revision of the settings, the offered one, and why that was rejected.
  returned: success
  type: dict
services:
  description: For each service the number of instances, and the held ones.
  returned: success
  type: dict
left_out:
  description: Services and instances of the catalog that are not used, with the reason.
  returned: success
  type: list
  elements: dict
instances:
  description: The instances in rotation, and those that older workers still use.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._balancer.client import (
    BalancerError,
    read_status,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._balancer.status import (
    BalancerStatus,
    WantedStatus,
    refusal,
    unmet,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._base.polling import poll
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module

WAIT_FOR = {
    "settings": {"type": "str"},
    "synced": {"type": "bool", "default": False},
    "state": {
        "type": "list",
        "elements": "str",
        "choices": ["fresh", "held", "stale"],
        "default": [],
    },
    "serving": {"type": "list", "elements": "str", "default": []},
    "without": {"type": "list", "elements": "str", "default": []},
}


def wait(url: str, wanted: WantedStatus, seconds: float) -> BalancerStatus:
    """Poll until all conditions are met; BalancerError with the missing ones at the deadline."""

    def missing(status: BalancerStatus) -> list:
        refused = refusal(status, wanted)
        if refused:
            raise BalancerError(refused)
        return unmet(status, wanted)

    return poll(
        lambda: read_status(url),
        missing,
        seconds,
        failure=lambda _status, lacks: BalancerError(
            f"after {seconds:.0f} s at {url}: {'; '.join(lacks)}"
        ),
        retry_on=(BalancerError,),
    )


def report(seen: BalancerStatus) -> dict:
    """The module's return values."""
    status = seen.status
    return {
        "changed": False,
        "reachable": bool(status),
        "state": status.get("state", "unknown"),
        "reason": status.get("reason", ""),
        "generation": status.get("generation"),
        "settings": status.get("settings", {}),
        "services": status.get("services", {}),
        "left_out": status.get("skipped", []),
        "instances": seen.instances.get("instances", []),
    }


def run(module: AnsibleModule) -> dict:
    """Read the status, wait if requested, and report."""
    url, asked = module.params["url"], module.params["wait_for"]
    if module.check_mode:
        try:
            return report(read_status(url))
        except BalancerError as error:
            return {**report(BalancerStatus()), "reason": str(error)}
    wanted = WantedStatus(
        settings=asked.get("settings") or "",
        synced=bool(asked.get("synced")),
        states=tuple(asked.get("state") or ()),
        serving=tuple(asked.get("serving") or ()),
        without=tuple(asked.get("without") or ()),
    )
    return report(wait(url, wanted, module.params["wait_timeout"]))


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "default": "http://127.0.0.1:8404"},
            "wait_for": {"type": "dict", "options": WAIT_FOR, "default": {}},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    run_module(module, run, BalancerError)


if __name__ == "__main__":
    main()
