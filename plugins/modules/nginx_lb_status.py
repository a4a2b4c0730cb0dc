#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell how a balancer is, and wait until it acknowledges what was changed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_lb_status
short_description: Tell how a balancer is, and wait until it acknowledges what was changed
version_added: 1.0.0
description:
  - Reads the status pages of a balancer that the role P(rollcall.discovery.nginx_lb#role) runs.
  - With O(wait_for) it waits until all that is named holds, and fails with what is missing when it does not in time.
  - Run it on each balancer's host. Once all acknowledge that an instance is out, it can be stopped without loss.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Looks once, waits for nothing, and does not fail on a balancer that is not there yet.
  diff_mode:
    support: N/A
    description: Does not change anything.
  idempotent:
    support: full
    description: Never reports a change.
options:
  url:
    description: Where the balancer tells its status.
    type: str
    default: http://127.0.0.1:8404
  wait_for:
    description: What must hold.
    type: dict
    default: {}
    suboptions:
      settings:
        description:
          - The revision of the settings that must be in use.
          - The module fails at once when the balancer refuses them, with the reason.
        type: str
      synced:
        description: Whether Consul must have reported all followed services since the settings came into use.
        type: bool
        default: false
      state:
        description: States of which one must hold.
        type: list
        elements: str
        choices: [fresh, held, stale]
        default: []
      serving:
        description: Instances that must be in rotation, by their identifier in Consul or as C(address:port).
        type: list
        elements: str
        default: []
      without:
        description:
          - Instances that must be out, by their identifier in Consul or as C(address:port).
          - Out means that no worker of the balancer may send them a request, and that all they were sent are answered.
        type: list
        elements: str
        default: []
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Wait until this balancer sends nothing to an instance any more
  rollcall.discovery.nginx_lb_status:
    wait_for:
      without: ["10.111.152.99:32768"]
    wait_timeout: 60

- name: Learn how a balancer is
  rollcall.discovery.nginx_lb_status:
    url: http://127.0.0.1:8404
  register: balancer
"""

RETURN = r"""
reachable:
  description: Whether the balancer answers; always, except in check mode.
  returned: success
  type: bool
state:
  description: V(fresh), V(held) or V(stale), V(unknown) of a balancer that does not answer in check mode.
  returned: success
  type: str
reason:
  description: Why the state is no better, empty when it is fresh.
  returned: success
  type: str
generation:
  description: The generation of the configuration that serves, null when it is not known.
  returned: success
  type: int
settings:
  description: The settings' revision in use, the one offered, and why that is refused if it is.
  returned: success
  type: dict
services:
  description: For each service how many instances it has, and which of them are held.
  returned: success
  type: dict
left_out:
  description: What of the catalog was left out, and why.
  returned: success
  type: list
  elements: dict
instances:
  description: The instances in rotation, and those that older workers still know.
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
    """Look, wait if asked to, and report."""
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
