#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make Consul's ACL system as it is wanted: bootstrap, policies and tokens."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_acl
short_description: Make Consul's ACL system as it is wanted, with its policies and tokens
version_added: 1.0.0
description:
  - Takes policies and tokens together, and writes only those that differ from what Consul has.
  - Bootstraps the ACL system on request, with a token that is known before.
  - A token's secret is given, and not made by Consul, so that agents can have it in their configuration before there is a cluster.
  - What would be refused half-way is refused before anything changes, as far as Consul does not have to be asked. It alone reads O(policies[].rules).
  - Ends a rotation on request, by deleting tokens of the same name that have an earlier secret.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, with a warning also where Consul does not answer yet or runs without ACLs. Does not wait.
  diff_mode:
    support: full
    description: Shows policies with their rules, and tokens with their rights, before and after. Secrets are not shown.
  idempotent:
    support: full
    description: A second run with the same options changes nothing, and sends nothing but questions.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  state:
    description:
      - V(present) makes O(policies) and O(tokens) what they say.
      - V(absent) deletes them, policies by their name, and tokens by their accessor or their secret.
    type: str
    choices: [present, absent]
    default: present
  bootstrap:
    description:
      - Bootstrap the ACL system where that was never done. O(token) becomes the first token, with the policy C(global-management). It must be a UUID.
      - It is done once. Where it was done already, and Consul knows the token, nothing happens.
      - Where it was done already, and Consul does not know the token, the module fails and changes nothing.
    type: bool
    default: false
  policies:
    description: Policies, each with exactly these rules. Others stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The policy's name. Consul's own policies can be given to tokens, but not changed.
        type: str
        required: true
      description:
        description: A remark for people.
        type: str
        default: ""
      rules:
        description: The rules, in HCL. They are compared as text.
        type: str
        default: ""
      datacenters:
        description: The datacenters where it counts, all by default.
        type: list
        elements: str
        default: []
  tokens:
    description: Tokens, each with exactly these rights. Others stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the token is for. Its description in Consul is C(rollcall:), a blank, and this name.
        type: str
        required: true
      secret_id:
        description: The secret, a UUID. Required but where O(state=absent) and O(tokens[].accessor_id) is given.
        type: str
      accessor_id:
        description:
          - Under what Consul knows the token in public. A secret never changes, so each has an accessor of its own.
          - By default that which the filter C(ansible.builtin.to_uuid) makes of O(tokens[].secret_id).
        type: str
      policies:
        description: Names of its policies, of O(policies) or already there.
        type: list
        elements: str
        default: []
      node_identities:
        description: Nodes for whose agent it speaks.
        type: list
        elements: dict
        default: []
        suboptions:
          node:
            description: Name of the node, in small letters.
            type: str
            required: true
          datacenter:
            description: Datacenter of the node.
            type: str
            required: true
  anonymous_policies:
    description: Names of the policies that requests without a token have, V([]) for none. Without this option they stay as they are.
    type: list
    elements: str
  purge:
    description:
      - Delete tokens with the name of one of O(tokens) and another accessor, which are those of an earlier secret.
      - Never the token of this call, of which a warning tells, and never tokens of other names.
    type: bool
    default: false
  wait_timeout:
    description: Seconds that Consul may take to answer, such as right after its start, when it has no leader yet.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Bootstrap the ACL system, and make a token for the playbooks
  rollcall.discovery.consul_acl:
    url: http://127.0.0.1:8500
    token: "{{ bootstrap_secret }}"
    bootstrap: true
    tokens:
      - name: operator
        secret_id: "{{ operator_secret }}"
        policies: [global-management]

- name: What a Registrator and an agent may do, and everybody
  rollcall.discovery.consul_acl:
    url: http://127.0.0.1:8500
    token: "{{ operator_secret }}"
    policies:
      - name: rollcall-registrator-node1
        description: Registrator on node1
        rules: |
          service_prefix "" { policy = "write" }
          node "node1" { policy = "read" }
          agent "node1" { policy = "read" }
      - name: rollcall-dns
        rules: |
          service_prefix "" { policy = "read" }
          node_prefix "" { policy = "read" }
    tokens:
      - name: registrator-node1
        secret_id: "{{ registrator_secret }}"
        policies: [rollcall-registrator-node1]
      - name: agent-node1
        secret_id: "{{ agent_secret }}"
        node_identities:
          - node: node1
            datacenter: dc1
    anonymous_policies: [rollcall-dns]

- name: Give the agent another token, while it still has the old one
  rollcall.discovery.consul_acl:
    url: http://127.0.0.1:8500
    token: "{{ operator_secret }}"
    tokens:
      - name: agent-node1
        secret_id: "{{ agent_secret_of_today }}"
        node_identities:
          - node: node1
            datacenter: dc1

- name: The agent has it, the old one can go
  rollcall.discovery.consul_acl:
    url: http://127.0.0.1:8500
    token: "{{ operator_secret }}"
    tokens:
      - name: agent-node1
        secret_id: "{{ agent_secret_of_today }}"
        node_identities:
          - node: node1
            datacenter: dc1
    purge: true

- name: Registrator is gone from node1
  rollcall.discovery.consul_acl:
    url: http://127.0.0.1:8500
    token: "{{ operator_secret }}"
    state: absent
    policies:
      - name: rollcall-registrator-node1
    tokens:
      - name: registrator-node1
        accessor_id: "{{ registrator_secret | ansible.builtin.to_uuid }}"
"""

RETURN = r"""
bootstrapped:
  description: Whether the ACL system was bootstrapped, or would be.
  returned: success
  type: bool
policies:
  description: What became of each of O(policies).
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    action: {description: "V(created), V(updated), V(deleted) or V(unchanged), in check mode what it would be.", type: str}
tokens:
  description: What became of each of O(tokens), and of those that were purged.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    accessor_id: {description: Its accessor., type: str}
    policies: {description: Names of its policies., type: list, elements: str}
    action: {description: "V(created), V(updated), V(deleted) or V(unchanged), in check mode what it would be.", type: str}
anonymous:
  description: What became of the anonymous token.
  returned: where O(anonymous_policies) is given
  type: dict
  contains:
    policies: {description: Names of its policies., type: list, elements: str}
    action: {description: V(updated) or V(unchanged)., type: str}
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.model import WantedAcl
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.plan import (
    AclPlan,
    ActualAcl,
    plan_acl,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.system import (
    AclDisabled,
    AclSystem,
    UnknownToken,
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

NAMES: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}
POLICY: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "rules": {"type": "str", "default": ""},
    "datacenters": NAMES,
}
IDENTITY: dict[str, t.Any] = {
    "node": {"type": "str", "required": True},
    "datacenter": {"type": "str", "required": True},
}
TOKEN: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "secret_id": {"type": "str", "no_log": True},
    "accessor_id": {"type": "str"},
    "policies": NAMES,
    "node_identities": {"type": "list", "elements": "dict", "options": IDENTITY, "default": []},
}
ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "bootstrap": {"type": "bool", "default": False},
    "policies": {"type": "list", "elements": "dict", "options": POLICY, "default": []},
    # Its name alone would make Ansible take all of it for a secret.
    "tokens": {
        "type": "list",
        "elements": "dict",
        "options": TOKEN,
        "default": [],
        "no_log": False,
    },
    "anonymous_policies": {"type": "list", "elements": "str"},
    "purge": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
    **CONNECTION,
}


def predicted(module: AnsibleModule, agent: Connection, wanted: WantedAcl) -> AclPlan:
    """Look and plan, and send nothing. A Consul that is not there yet will start fresh."""
    actual = ActualAcl.untouched(wanted)
    if require(module, "consul"):
        try:
            actual = AclSystem(agent).read(wanted)
        except (Unreachable, AclDisabled) as error:
            module.warn(f"predicted as for an ACL system that nobody has touched: {error}")
    return plan_acl(wanted, actual)


def converged(module: AnsibleModule, agent: Connection, wanted: WantedAcl) -> AclPlan:
    """Look, bootstrap where that is due, plan and apply."""
    require(module, "consul")
    system = AclSystem(agent)
    seconds = module.params["wait_timeout"]
    try:
        actual = retry_until_available(lambda: system.read(wanted), seconds)
    except UnknownToken:
        if not wanted.bootstrap:
            raise
        # Only Consul knows whether somebody has reset it, so that the token may become known.
        actual = ActualAcl.untouched(wanted)
    if actual.fresh:
        # What cannot be meant must not leave a bootstrap behind.
        plan_acl(wanted, actual)
        actual = retry_until_available(lambda: system.bootstrap(wanted), seconds)
    plan = plan_acl(wanted, actual)
    system.apply(plan)
    return plan


def result(module: AnsibleModule, plan: AclPlan) -> dict[str, t.Any]:
    """The module's return values."""
    if plan.kept:
        module.warn(
            f"the token of this call is an earlier one of {plan.kept.name}: it stays. Call again "
            "with the present one to delete it"
        )
    more: dict[str, t.Any] = {}
    if plan.anonymous:
        policies = list(plan.anonymous.subject.policies)
        more["anonymous"] = {"policies": policies, "action": plan.anonymous.action}
    return {
        **plan.diff.report(diff=module._diff),
        **more,
        "bootstrapped": plan.bootstrap,
        "policies": [{"name": each.subject.name, "action": each.action} for each in plan.policies],
        "tokens": [
            {
                "name": each.subject.name,
                "accessor_id": each.subject.accessor,
                "policies": list(each.subject.policies),
                "action": each.action,
            }
            for each in plan.tokens
        ],
    }


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Refuse what cannot be meant before any request; then predict, or do."""
    agent = connection(module.params, os.environ)
    wanted = WantedAcl.from_params(module.params, agent.token)
    return result(module, (predicted if module.check_mode else converged)(module, agent, wanted))


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
