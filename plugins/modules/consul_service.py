#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register a service with all its checks at a Consul agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_service
short_description: Register a service with all its checks at a Consul agent
version_added: 1.0.0
description:
  - Takes a service with its checks as one object, and registers it only where what the agent has differs.
  - The agent does not give check definitions back. Their digests in the service's metadata, C(rollcall-checks), tell whether they are still the wanted ones.
  - Checks that are no longer wanted are removed together with the registration, also those that somebody added by hand.
  - A check that stays keeps its present status.
  - Removes on request what the same owner registered earlier and no longer declares, and the same instance at other agents.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, with a warning also where the agent does not answer yet. Does not wait.
  diff_mode:
    support: full
    description: Shows the service before and after, its checks by identifier and digest, and what else is removed.
  idempotent:
    support: full
    description: A second run with the same options changes nothing, and sends nothing but questions.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  state:
    description:
      - V(present) registers the service and ends its maintenance.
      - V(maintenance) registers it and takes it out of rotation, without a moment in rotation in between.
      - Without O(name) both are about the service that is there, whose registration stays as it is.
      - V(absent) deregisters it.
    type: str
    choices: [present, absent, maintenance]
    default: present
  name:
    description:
      - The service's name. Required where a service is registered.
      - A name that Consul's DNS cannot answer for is taken with a warning.
    type: str
  id:
    description: The service's identifier at this agent, O(name) by default.
    type: str
  address:
    description: The address clients reach it at, the node's by default. An IP address or a host name alone.
    type: str
  port:
    description: The port clients reach it at.
    type: int
  tags:
    description: Tags, in this order.
    type: list
    elements: str
    default: []
  meta:
    description: Metadata, texts and numbers. C(rollcall-checks) and C(rollcall-owner) are this module's.
    type: dict
    default: {}
  tagged_addresses:
    description: More addresses, each a name with C(address) and C(port), the latter O(port) by default.
    type: dict
    default: {}
  weights:
    description: How much DNS and balancers prefer this instance.
    type: dict
    suboptions:
      passing:
        description: Weight while it passes, V(1) to V(65535).
        type: int
        default: 1
      warning:
        description: Weight while it warns, V(0) to V(65535).
        type: int
        default: 1
  enable_tag_override:
    description: Let others change its tags in the catalog. They are then left as they are.
    type: bool
    default: false
  checks:
    description: All its checks, exactly one kind each.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The check's identifier, by default C(service:), the service's identifier and the check's name or number.
        type: str
      name:
        description: The check's name.
        type: str
      notes:
        description: A remark for people.
        type: str
      http:
        description: URL, V(http://) or V(https://), that must answer with a 2xx status.
        type: str
      method:
        description: HTTP method, V(GET) by default.
        type: str
      headers:
        description: HTTP headers, a value or a list of values each.
        type: dict
        aliases: [header]
      body:
        description: HTTP body.
        type: str
      tls_server_name:
        description: Name that the certificate must carry.
        type: str
      tls_skip_verify:
        description: Do not verify the certificate.
        type: bool
      tcp:
        description: Host and port that must accept a connection.
        type: str
      udp:
        description: Host and port that must not refuse a datagram.
        type: str
      grpc:
        description: Host and port, and optionally C(/service), of the gRPC health protocol.
        type: str
      grpc_use_tls:
        description: Speak TLS to it.
        type: bool
      ttl:
        description: Time within which somebody must report to the agent.
        type: str
      docker_container_id:
        description: Container in which O(checks[].args) run. The agent must allow script checks.
        type: str
      shell:
        description: Shell for them.
        type: str
      args:
        description: Command and arguments.
        type: list
        elements: str
      alias_service:
        description: Identifier of the service whose health this one shares.
        type: str
      alias_node:
        description: Node whose health this one shares, or on which O(checks[].alias_service) is.
        type: str
      interval:
        description: Time between two checks, at least V(1s). Required except for O(checks[].ttl) and aliases.
        type: str
      timeout:
        description: Time one check may take, V(10s) by default.
        type: str
      status:
        description: Status until the first result, V(critical) by default. A check that was there already keeps its own.
        type: str
        choices: [passing, warning, critical]
      success_before_passing:
        description: Successes in a row before it passes.
        type: int
      failures_before_warning:
        description: Failures in a row before it warns, no more than O(checks[].failures_before_critical).
        type: int
      failures_before_critical:
        description: Failures in a row before it is critical.
        type: int
      deregister_critical_service_after:
        description: Deregister the service when it was critical for so long, at least V(1m).
        type: str
  maintenance_reason:
    description:
      - Why it is in maintenance, for people.
      - Counts when the maintenance begins. Another reason later changes nothing, as Consul could take it only by leaving maintenance in between.
    type: str
    default: ""
    aliases: [reason]
  owner:
    description: Whose service this is, kept in its metadata as C(rollcall-owner).
    type: str
  purge:
    description: Deregister services of the same O(owner) at this agent that are not O(declared). Needs both.
    type: bool
    default: false
  declared:
    description: Identifiers of all services of this O(owner) that stay. The service of this call is one of them.
    type: list
    elements: str
  deduplicate:
    description:
      - What to do about the same instance at other agents of the datacenter, such as after it moved. V(report) returns them, V(remove) deregisters them.
      - The same instance is one with the same O(name), and the same O(id) or the same address and port.
      - The identifier counts only where O(id) is given, as the default one may rightly stand at each agent.
      - A loopback address and port 0 do not count.
      - An agent puts back into the catalog what it has itself (anti-entropy).
      - So V(remove) deregisters at the agent that holds the instance, after asking it for its node's name.
      - Only where that node's C(serfHealth) is not passing, the node has no agent, or its agent has the service no more, V(remove) deregisters in the catalog.
      - An agent that was gone and comes back with its data registers the instance once more. The next run removes it there.
      - O(token) is sent to those agents too. It needs C(agent:read) and C(service:write) there, and C(node:write) for the catalog.
      - Does not count with O(state=absent).
    type: str
    choices: [none, report, remove]
    default: none
  agent_url_template:
    description:
      - Where the other agents listen. V({scheme}) and V({port}) are those of O(url), V({address}), V({node}) and V({datacenter}) those of the instance's node.
    type: str
    default: "{scheme}://{address}:{port}"
  wait:
    description:
      - V(passing) waits until every check passes, and fails with what does not. Counts only with O(state=present).
      - A check whose definition changed counts when it has run with the new one.
    type: str
    choices: [none, passing]
    default: none
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Register a web server with two checks, and wait until it serves
  rollcall.discovery.consul_service:
    name: web
    id: web-1
    address: 127.0.0.1
    port: 8500
    tags: [primary, v2]
    meta:
      version: "2.0"
    weights:
      passing: 10
      warning: 1
    checks:
      - name: answers
        http: http://127.0.0.1:8500/v1/status/leader
        headers:
          X-Probe: consul
        interval: 1s
        timeout: 500ms
        failures_before_critical: 2
      - name: listens
        tcp: 127.0.0.1:8500
        interval: 1s
    wait: passing

- name: Take it out of rotation, whatever its registration is
  rollcall.discovery.consul_service:
    id: web-1
    state: maintenance
    maintenance_reason: new kernel

- name: Deregister it
  rollcall.discovery.consul_service:
    id: web-1
    state: absent

- name: Register a worker that reports by itself, and is forgotten when it stays silent
  rollcall.discovery.consul_service:
    name: worker
    owner: shop
    checks:
      - name: reports
        ttl: 30s
        status: passing
        deregister_critical_service_after: 10m

- name: Register an instance that moved here, and remove it where it was
  rollcall.discovery.consul_service:
    name: api
    id: api-1
    address: 192.0.2.10
    port: 8080
    owner: shop
    deduplicate: remove

- name: Remove what the shop no longer declares
  rollcall.discovery.consul_service:
    name: worker
    owner: shop
    checks:
      - name: reports
        ttl: 30s
        status: passing
        deregister_critical_service_after: 10m
    purge: true
    declared: [worker]

- name: Remove the rest of the shop
  rollcall.discovery.consul_service:
    id: worker
    state: absent
    owner: shop
    purge: true
    declared: []
"""

RETURN = r"""
action:
  description: What was done, or would be done, to the service itself; else whether duplicates or other services were removed.
  returned: success
  type: str
  sample: registered
outcome:
  description: The same as RV(action), under a name that no callback plugin overwrites.
  returned: success
  type: str
  sample: registered
service:
  description: The service as the agent has it afterwards, in check mode as it would have it. Null where it is absent.
  returned: success
  type: dict
  contains:
    id: {description: Its identifier at the agent., type: str}
    name: {description: Its name., type: str}
    address: {description: "Its address, empty for the node's.", type: str}
    port: {description: Its port., type: int}
    tags: {description: Its tags., type: list, elements: str}
    meta: {description: Its metadata without this module's., type: dict}
    tagged_addresses: {description: Its other addresses without those that the agent derives., type: dict}
    weights:
      description: Its weights.
      type: dict
      contains:
        passing: {description: While it passes., type: int}
        warning: {description: While it warns., type: int}
    enable_tag_override: {description: Whether others may change its tags., type: bool}
    owner: {description: "Its owner, empty without one.", type: str}
    check_ids: {description: Identifiers of its checks., type: list, elements: str}
    checks_digest: {description: Names of its check definitions., type: str}
    maintenance: {description: Whether it is maintained., type: bool}
checks:
  description: Its checks as the agent has them afterwards, in check mode as it has them now. A maintenance is one of them.
  returned: success, and where they did not pass in time
  type: list
  elements: dict
  contains:
    id: {description: The check's identifier., type: str}
    name: {description: The check's name., type: str}
    status: {description: "V(passing), V(warning) or V(critical).", type: str}
    output: {description: What it said last., type: str}
duplicates:
  description: The same instance at other agents, empty with O(deduplicate=none).
  returned: success
  type: list
  elements: dict
  contains:
    node: {description: Node it is registered at., type: str}
    id: {description: Its identifier there., type: str}
    address: {description: Its address., type: str}
    port: {description: Its port., type: int}
    removed: {description: "Whether it was removed, or would be.", type: bool}
purged:
  description: Identifiers of the services of this owner that were removed, or would be.
  returned: success
  type: list
  elements: str
"""

import dataclasses
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.node_agent import (
    AGENT_URL_TEMPLATE,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.check import (
    CheckStatus,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.plan import (
    ActualService,
    ServicePlan,
    WantedService,
    plan_service,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.registry import (
    Registry,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.validation import (
    ServiceError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    connection,
)

TEXTS = (
    *("id", "name", "notes", "http", "method", "body", "tls_server_name", "tcp", "udp", "grpc"),
    *("ttl", "docker_container_id", "shell", "alias_service", "alias_node", "interval", "timeout"),
    "deregister_critical_service_after",
)
NUMBERS = ("success_before_passing", "failures_before_warning", "failures_before_critical")
CHECK: dict[str, t.Any] = {
    **{name: {"type": "str"} for name in TEXTS},
    # Their names hold "pass": Ansible would take them for secrets.
    **{name: {"type": "int", "no_log": False} for name in NUMBERS},
    "headers": {"type": "dict", "aliases": ["header"]},
    "tls_skip_verify": {"type": "bool"},
    "grpc_use_tls": {"type": "bool"},
    "args": {"type": "list", "elements": "str"},
    "status": {"type": "str", "choices": ["passing", "warning", "critical"]},
}
WEIGHTS: dict[str, t.Any] = {
    "passing": {"type": "int", "default": 1, "no_log": False},
    "warning": {"type": "int", "default": 1},
}
ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent", "maintenance"], "default": "present"},
    "name": {"type": "str"},
    "id": {"type": "str"},
    "address": {"type": "str"},
    "port": {"type": "int"},
    "tags": {"type": "list", "elements": "str", "default": []},
    "meta": {"type": "dict", "default": {}},
    "tagged_addresses": {"type": "dict", "default": {}},
    "weights": {"type": "dict", "options": WEIGHTS},
    "enable_tag_override": {"type": "bool", "default": False},
    "checks": {"type": "list", "elements": "dict", "options": CHECK, "default": []},
    "maintenance_reason": {"type": "str", "default": "", "aliases": ["reason"]},
    "owner": {"type": "str"},
    "purge": {"type": "bool", "default": False},
    "declared": {"type": "list", "elements": "str"},
    "deduplicate": {"type": "str", "choices": ["none", "report", "remove"], "default": "none"},
    "agent_url_template": {"type": "str", "default": AGENT_URL_TEMPLATE},
    "wait": {"type": "str", "choices": ["none", "passing"], "default": "none"},
    "wait_timeout": {"type": "int", "default": 60},
    **CONNECTION,
}


def predicted(module: AnsibleModule, wanted: WantedService) -> dict[str, t.Any]:
    """Look and plan, and send nothing. An agent that is not there yet will start empty."""
    actual = ActualService()
    if require(module, "consul"):
        try:
            actual = registry_of(module).read(wanted)
        except Unreachable as error:
            module.warn(f"predicted as for an agent without services: {error}")
    plan = plan_service(wanted, actual)
    if plan.problem:
        module.warn(plan.problem)
    return result(module, plan, plan.predicted, actual.checks)


def converged(module: AnsibleModule, wanted: WantedService) -> dict[str, t.Any]:
    """Look, plan, apply, wait if asked to, and read back."""
    require(module, "consul")
    registry = registry_of(module)
    before = registry.read(wanted)
    plan = plan_service(wanted, before)
    if plan.problem:
        raise ServiceError(plan.problem)
    registry.apply(plan, wanted.id)
    if wanted.wait:
        registry.wait_passing(plan, before, wanted.id, module.params["wait_timeout"])
    after = registry.read_service(wanted.id)
    return result(module, plan, after.shown(), after.checks)


def registry_of(module: AnsibleModule) -> Registry:
    """The registry that the options of the connection lead to."""
    return Registry(connection(module.params, os.environ), module.params["agent_url_template"])


def result(
    module: AnsibleModule,
    plan: ServicePlan,
    service: t.Mapping[str, t.Any] | None,
    checks: tuple[CheckStatus, ...],
) -> dict[str, t.Any]:
    """The module's return values."""
    return {
        **plan.diff.report(diff=module._diff),
        "action": plan.action,
        "outcome": plan.action,
        "service": service,
        "checks": [dataclasses.asdict(check) for check in checks],
        "duplicates": [{**each.shown(), "removed": each in plan.duplicates} for each in plan.found],
        "purged": list(plan.purge),
    }


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Refuse what cannot be meant before any request; then predict, or do."""
    wanted = WantedService.from_params(module.params)
    for warning in wanted.warnings():
        module.warn(warning)
    return predicted(module, wanted) if module.check_mode else converged(module, wanted)


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_module(module, run, ServiceError, ConsulError)


if __name__ == "__main__":
    main()
