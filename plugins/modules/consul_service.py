#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register a service and its health checks at a Consul agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: consul_service
short_description: Register a service and its health checks at a Consul agent
version_added: 1.0.0
description:
  - Registers a service with all its health checks as one object, and only if it differs from the registered one.
  - The agent does not return check definitions. Digests in the metadata of the service, C(rollcall-checks), show whether they differ.
  - Checks that are not in O(checks) are removed, including checks that were added manually.
  - A check that remains keeps its status.
  - On request, deregisters services of the same owner that are no longer declared (O(purge)), and duplicates of the instance at other agents (O(deduplicate)).
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, with a warning if the agent does not answer yet. Does not wait.
  diff_mode:
    support: full
    description: Shows the service before and after, its checks by identifier and digest, and other services that are removed.
  idempotent:
    support: full
    description: A second run with the same options changes nothing, and only reads.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  state:
    description:
      - V(present) registers the service and disables its maintenance mode.
      - V(maintenance) registers it and enables its maintenance mode in one request, so that it is never in rotation in between.
      - Without O(name) both change only the maintenance mode of the registered service.
      - V(absent) deregisters it.
    type: str
    choices: [present, absent, maintenance]
    default: present
  name:
    description:
      - Name of the service. Required to register it.
      - A name that Consul DNS cannot resolve is accepted with a warning.
    type: str
  id:
    description: Identifier of the service at this agent, O(name) by default.
    type: str
  address:
    description: Address for clients, by default that of the node. A plain IP address or host name.
    type: str
  port:
    description: Port for clients.
    type: int
  tags:
    description: Tags in this order.
    type: list
    elements: str
    default: []
  meta:
    description: Metadata, strings and numbers. C(rollcall-checks) and C(rollcall-owner) are reserved for this module.
    type: dict
    default: {}
  tagged_addresses:
    description: Tagged addresses, each a name with C(address) and C(port), the latter O(port) by default.
    type: dict
    default: {}
  weights:
    description: Weights of this instance for DNS and load balancers.
    type: dict
    suboptions:
      passing:
        description: Weight while the checks pass, V(1) to V(65535).
        type: int
        default: 1
      warning:
        description: Weight while a check warns, V(0) to V(65535).
        type: int
        default: 1
  enable_tag_override:
    description: Allow others to change its tags in the catalog (anti-entropy leaves them). This module then leaves them as well.
    type: bool
    default: false
  checks:
    description: All its health checks, each of exactly one kind.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: Identifier of the check, by default C(service:), the identifier of the service and the name or number of the check.
        type: str
      name:
        description: Name of the check.
        type: str
      notes:
        description: Notes.
        type: str
      http:
        description: HTTP check, a URL that must answer with a 2xx status.
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
        description: Server name that the TLS certificate must have.
        type: str
      tls_skip_verify:
        description: Skip the verification of the TLS certificate.
        type: bool
      tcp:
        description: TCP check, host and port that must accept a connection.
        type: str
      udp:
        description: UDP check, host and port that must not reject a datagram.
        type: str
      grpc:
        description: gRPC check, host and port, and optionally C(/service), of a gRPC health service.
        type: str
      grpc_use_tls:
        description: Use TLS for the gRPC check.
        type: bool
      ttl:
        description: TTL check, the time within which the service must report its status to the agent.
        type: str
      docker_container_id:
        description: Docker check, the container in which O(checks[].args) run. The agent must allow script checks.
        type: str
      shell:
        description: Shell for O(checks[].args).
        type: str
      args:
        description: Command and arguments of a Docker check.
        type: list
        elements: str
      alias_service:
        description: Alias check, the identifier of the service whose health it has.
        type: str
      alias_node:
        description: Alias check, the node whose health it has, or the node of O(checks[].alias_service).
        type: str
      interval:
        description: Interval between two runs, at least V(1s). Required except for O(checks[].ttl) and aliases.
        type: str
      timeout:
        description: Timeout of one run, V(10s) by default.
        type: str
      status:
        description: Initial status until the first result, V(critical) by default. An existing check keeps its status.
        type: str
        choices: [passing, warning, critical]
      success_before_passing:
        description: Consecutive successes before it is passing.
        type: int
      failures_before_warning:
        description: Consecutive failures before it is warning, at most O(checks[].failures_before_critical).
        type: int
      failures_before_critical:
        description: Consecutive failures before it is critical.
        type: int
      deregister_critical_service_after:
        description: Deregister the service after this time in the status critical, at least V(1m) (Consul's reaper).
        type: str
  maintenance_reason:
    description:
      - Reason for the maintenance.
      - Used when the maintenance begins. It is not updated later, because Consul would have to leave maintenance mode in between.
    type: str
    default: ""
    aliases: [reason]
  owner:
    description: Owner of the service, stored in its metadata as C(rollcall-owner).
    type: str
  purge:
    description: Deregister services of the same O(owner) at this agent that are not in O(declared). Requires both.
    type: bool
    default: false
  declared:
    description: Identifiers of all services of this O(owner) to keep. The service of this call is always kept.
    type: list
    elements: str
  deduplicate:
    description:
      - How to treat duplicates of the instance at other agents of the datacenter, such as after it moved. V(report) returns them, V(remove) deregisters them.
      - A duplicate has the same O(name), and the same O(id) or the same address and port.
      - The identifier is compared only if O(id) is given, because the default one may exist at each agent.
      - A loopback address and port 0 are not compared.
      - Anti-entropy restores in the catalog what an agent has.
      - So V(remove) deregisters at the agent that has the instance, after it has verified the node name of that agent.
      - Only if C(serfHealth) of that node is not passing, the node has no agent, or its agent no longer has the service, V(remove) deregisters in the catalog.
      - An agent that comes back with its data registers the instance again. The next run removes it there.
      - O(token) is sent to those agents as well. It needs C(agent:read) and C(service:write) there, and C(node:write) for the catalog.
      - Ignored with O(state=absent).
    type: str
    choices: [none, report, remove]
    default: none
  agent_url_template:
    description:
      - URL of other agents. V({scheme}) and V({port}) are those of O(url), V({address}), V({node}) and V({datacenter}) those of the node of the instance.
    type: str
    default: "{scheme}://{address}:{port}"
  wait:
    description:
      - V(passing) waits until every check passes, and fails with the checks that do not. Only with O(state=present).
      - A check with a changed definition must have run with the new one.
    type: str
    choices: [none, passing]
    default: none
  wait_timeout:
    description: Maximum seconds to wait for O(wait).
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Register a web server with two health checks, and wait until they pass
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

- name: Enable the maintenance mode of a registered service
  rollcall.discovery.consul_service:
    id: web-1
    state: maintenance
    maintenance_reason: new kernel

- name: Deregister a service
  rollcall.discovery.consul_service:
    id: web-1
    state: absent

- name: Register a worker with a TTL check, and deregister it when it stays critical
  rollcall.discovery.consul_service:
    name: worker
    owner: shop
    checks:
      - name: reports
        ttl: 30s
        status: passing
        deregister_critical_service_after: 10m

- name: Register an instance that moved here, and remove its duplicate at the previous agent
  rollcall.discovery.consul_service:
    name: api
    id: api-1
    address: 192.0.2.10
    port: 8080
    owner: shop
    deduplicate: remove

- name: Deregister services of an owner that are no longer declared
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

- name: Deregister all services of an owner
  rollcall.discovery.consul_service:
    id: worker
    state: absent
    owner: shop
    purge: true
    declared: []
"""

RETURN = r"""
action:
  description: The action for the service, or that duplicates or other services were removed. In check mode the predicted one.
  returned: success
  type: str
  sample: registered
outcome:
  description: The same as RV(action), under a name that callback plugins do not overwrite.
  returned: success
  type: str
  sample: registered
service:
  description: The service at the agent afterwards, in check mode as predicted. Null if it is absent.
  returned: success
  type: dict
  contains:
    id: {description: Its identifier at the agent., type: str}
    name: {description: Its name., type: str}
    address: {description: "Its address, empty for that of the node.", type: str}
    port: {description: Its port., type: int}
    tags: {description: Its tags., type: list, elements: str}
    meta: {description: Its metadata without that of this module., type: dict}
    tagged_addresses: {description: Its tagged addresses without those that the agent derives., type: dict}
    weights:
      description: Its weights.
      type: dict
      contains:
        passing: {description: Weight while passing., type: int}
        warning: {description: Weight while warning., type: int}
    enable_tag_override: {description: Whether others may change its tags., type: bool}
    owner: {description: "Its owner, empty without one.", type: str}
    check_ids: {description: Identifiers of its checks., type: list, elements: str}
    checks_digest: {description: Digests of its check definitions., type: str}
    maintenance: {description: Whether it is in maintenance mode., type: bool}
checks:
  description: Its checks at the agent afterwards, in check mode the current ones, including the check of the maintenance mode.
  returned: success, and if the checks did not pass in time
  type: list
  elements: dict
  contains:
    id: {description: The check's identifier., type: str}
    name: {description: The check's name., type: str}
    status: {description: "V(passing), V(warning) or V(critical).", type: str}
    output: {description: Its last output., type: str}
duplicates:
  description: Duplicates of the instance at other agents, empty with O(deduplicate=none).
  returned: success
  type: list
  elements: dict
  contains:
    node: {description: Node of the registration., type: str}
    id: {description: Its identifier there., type: str}
    address: {description: Its address., type: str}
    port: {description: Its port., type: int}
    removed: {description: "Whether it was removed, or would be.", type: bool}
purged:
  description: Identifiers of the services of this owner that were deregistered, or would be.
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
    # Ansible would treat options with "pass" in their name as secrets.
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
    """Read and plan, and change nothing. An agent that does not exist yet starts empty."""
    actual = ActualService()
    if require(module, "consul"):
        try:
            actual = registry_of(module).read(wanted)
        except Unreachable as error:
            module.warn(f"prediction for an agent without services: {error}")
    plan = plan_service(wanted, actual)
    if plan.problem:
        module.warn(plan.problem)
    return result(module, plan, plan.predicted, actual.checks)


def converged(module: AnsibleModule, wanted: WantedService) -> dict[str, t.Any]:
    """Read, plan, apply, wait if requested, and read again."""
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
    """The services of the agent that the options describe."""
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
    """Reject invalid input before any request; then predict or apply."""
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
