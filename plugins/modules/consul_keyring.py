#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go from one key of the gossip to the next, without losing a member."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_keyring
short_description: Go from one key of the gossip to the next, without losing a member
version_added: 1.0.0
description:
  - Installs a key on every member, then has every member use it, and then removes the others on request.
  - Each of the three steps begins when the one before it is true of every member, in the LAN pool of each datacenter and in the WAN pool.
  - A member that is down would come back with keys that nobody understands. So no key is used while one is down in this datacenter, or in the WAN pool.
  - Start such a member, or have it forgotten with M(rollcall.discovery.consul_member).
  - Members that are down in another datacenter cannot be seen from here.
  - Agents keep the keys in their data directory, and no longer look at C(encrypt) in their configuration.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, with a warning also where no agent answers yet, or where they do not encrypt yet. Does not wait.
  diff_mode:
    support: full
    description: Shows how many members of each pool have which key, by its fingerprint.
  idempotent:
    support: full
    description: A second run with the same options changes nothing, and sends nothing but questions.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  key:
    description: The key that all members shall use, base64 of 16, 24 or 32 bytes.
    type: str
    required: true
  purge:
    description: Remove all other keys, once every member uses this one.
    type: bool
    default: false
  timeout:
    description:
      - Seconds one request may take.
      - An agent answers for all members, and waits for one that is silent. In a WAN pool that is 8 seconds and more.
    type: int
    default: 30
  wait_timeout:
    description: Seconds that the agent may take to answer for all members, and each of the steps to be done.
    type: int
    default: 60
notes:
  - O(token) needs C(keyring:write), and C(node:read) for all nodes.
"""

EXAMPLES = r"""
- name: Have every member use today's key, and still understand yesterday's
  rollcall.discovery.consul_keyring:
    url: http://127.0.0.1:8500
    key: "{{ gossip_key }}"

- name: Nobody uses yesterday's key, nobody needs it
  rollcall.discovery.consul_keyring:
    url: http://127.0.0.1:8500
    key: "{{ gossip_key }}"
    purge: true
"""

RETURN = r"""
fingerprint:
  description: What can be shown of O(key), the first 8 digits of the SHA-256 of its base64.
  returned: success
  type: str
  sample: 5d41402a
installed:
  description: Whether members got the key, or would.
  returned: success
  type: bool
used:
  description: Whether members began to use the key, or would.
  returned: success
  type: bool
removed:
  description: Fingerprints of the keys that were removed, or would be.
  returned: success
  type: list
  elements: str
pools:
  description: Who has which keys afterwards, in check mode as it would be. Empty where nothing is known.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: "V(WAN), or V(LAN of) and the datacenter.", type: str}
    members: {description: How many members it has., type: int}
    gossip_keys:
      description: Its keys.
      type: list
      elements: dict
      contains:
        fingerprint: {description: The key's fingerprint., type: str}
        members: {description: How many members have it., type: int}
        primary: {description: How many members use it., type: int}
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.gossip.keyring import (
    Keyring,
    KeyringPlan,
    Pool,
    fingerprint,
    key_of,
    plan_keyring,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.gossip.rotation import (
    GossipNotEncrypted,
    KeyringRotation,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.retry import (
    retry_until_available,
)

ARGUMENTS: dict[str, t.Any] = {
    "key": {"type": "str", "required": True, "no_log": True},
    "purge": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
    **CONNECTION,
    "timeout": {"type": "int", "default": 30},
}


def predicted(module: AnsibleModule, agent: Connection, key: str) -> dict[str, t.Any]:
    """Look and plan, and send nothing. Agents that are not there yet will start with the key."""
    seen = Keyring()
    if require(module, "consul"):
        try:
            seen = KeyringRotation(agent).read()
        except (Unreachable, GossipNotEncrypted) as error:
            module.warn(f"predicted as for agents that start with the key: {error}")
    plan = plan_keyring(key, seen, purge=module.params["purge"])
    return result(module, plan, plan.after)


def converged(module: AnsibleModule, agent: Connection, key: str) -> dict[str, t.Any]:
    """Look, plan, and take the steps one after the other."""
    require(module, "consul")
    rotation = KeyringRotation(agent)
    seconds = module.params["wait_timeout"]
    seen = retry_until_available(rotation.read, seconds)
    plan = plan_keyring(key, seen, purge=module.params["purge"])
    if plan.diff.changed:
        seen = rotation.rotate(plan, seconds)
    return result(module, plan, seen.pools)


def result(module: AnsibleModule, plan: KeyringPlan, pools: t.Sequence[Pool]) -> dict[str, t.Any]:
    """The module's return values."""
    return {
        **plan.diff.report(diff=module._diff),
        "fingerprint": fingerprint(plan.key),
        "installed": plan.install,
        "used": plan.use,
        "removed": [fingerprint(each) for each in plan.remove],
        "pools": [pool.shown() for pool in pools],
    }


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Refuse what is no key before any request; then predict, or do."""
    key = key_of(module.params["key"])
    agent = connection(module.params, os.environ)
    return (predicted if module.check_mode else converged)(module, agent, key)


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
