#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotate the gossip encryption key of a Consul cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_keyring
short_description: Rotate the gossip encryption key of a Consul cluster
version_added: 1.0.0
description:
  - Installs a gossip encryption key on all members, makes it the primary key, and removes all other keys on request.
  - These are C(consul keyring) C(-install), C(-use) and C(-remove).
  - Each step begins when the previous one is done on every member, in the LAN pool of each datacenter and in the WAN pool.
  - A member that is down during the rotation could not rejoin. So the primary key is not changed while a member of this datacenter or of the WAN pool is down.
  - Start such a member, or remove it with M(rollcall.discovery.consul_member).
  - Members that are down in another datacenter are not visible from this one.
  - Agents store the keys in their data directory, and then ignore C(encrypt) in their configuration.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, with a warning if no agent answers or gossip encryption is disabled. Does not wait.
  diff_mode:
    support: full
    description: Shows the number of members of each pool that have each key, by its fingerprint.
  idempotent:
    support: full
    description: A second run with the same options changes nothing, and only reads.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  key:
    description: The primary key for all members, base64 of 16, 24 or 32 bytes, such as C(consul keygen) prints.
    type: str
    required: true
  purge:
    description: Remove all other keys once this one is the primary key of every member.
    type: bool
    default: false
  timeout:
    description:
      - Timeout of one request in seconds.
      - An agent collects the answers of all members. For a member of the WAN pool that does not answer this takes 8 seconds or more.
    type: int
    default: 30
  wait_timeout:
    description: Maximum seconds to wait for the answers of all members, and for each step to finish.
    type: int
    default: 60
notes:
  - O(token) needs C(keyring:write), and C(node:read) for all nodes.
"""

EXAMPLES = r"""
- name: Install a new gossip encryption key, make it the primary key, and keep the previous one
  rollcall.discovery.consul_keyring:
    url: http://127.0.0.1:8500
    key: "{{ gossip_key }}"

- name: Remove all keys but the primary key
  rollcall.discovery.consul_keyring:
    url: http://127.0.0.1:8500
    key: "{{ gossip_key }}"
    purge: true
"""

RETURN = r"""
fingerprint:
  description: The fingerprint of O(key), the first 8 digits of the SHA-256 of its base64.
  returned: success
  type: str
  sample: 5d41402a
installed:
  description: Whether the key was installed on members, or would be.
  returned: success
  type: bool
used:
  description: Whether the key became the primary key of members, or would.
  returned: success
  type: bool
removed:
  description: Fingerprints of the keys that were removed, or would be.
  returned: success
  type: list
  elements: str
pools:
  description: The gossip pools and their keys afterwards, in check mode as they would be. Empty if unknown.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: "V(WAN), or V(LAN of) and the datacenter.", type: str}
    members: {description: Number of members., type: int}
    gossip_keys:
      description: Its keys.
      type: list
      elements: dict
      contains:
        fingerprint: {description: The key's fingerprint., type: str}
        members: {description: Number of members that have it installed., type: int}
        primary: {description: Number of members that use it as the primary key., type: int}
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
    """Read and plan, and change nothing. Agents that do not exist yet will start with the key."""
    seen = Keyring()
    if require(module, "consul"):
        try:
            seen = KeyringRotation(agent).read()
        except (Unreachable, GossipNotEncrypted) as error:
            module.warn(f"prediction for agents that start with this key: {error}")
    plan = plan_keyring(key, seen, purge=module.params["purge"])
    return result(module, plan, plan.after)


def converged(module: AnsibleModule, agent: Connection, key: str) -> dict[str, t.Any]:
    """Read, plan, and take the steps one after the other."""
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
    """Reject an invalid key before any request; then predict or apply."""
    key = key_of(module.params["key"])
    agent = connection(module.params, os.environ)
    return (predicted if module.check_mode else converged)(module, agent, key)


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
