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
  - The agent does not give check definitions back. Their digest in the service's metadata tells whether they are still the wanted ones.
  - Checks that are no longer wanted are replaced together with the service.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, also where the agent's library is not installed yet.
  diff_mode:
    support: full
    description: Shows the service before and after, its checks by their digest.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  state:
    description:
      - V(present) registers the service and ends its maintenance, V(maintenance) registers it and takes it out of rotation.
      - V(absent) deregisters it.
    type: str
    choices: [present, absent, maintenance]
    default: present
  name:
    description: The service's name. Required unless O(state=absent).
    type: str
  id:
    description: The service's identifier at this agent, its name by default.
    type: str
  address:
    description: The address clients reach it at, the node's by default.
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
    description: Metadata.
    type: dict
    default: {}
  tagged_addresses:
    description: More addresses, each C(name) with C(address) and C(port).
    type: dict
    default: {}
  weights:
    description: How much DNS and balancers prefer this instance.
    type: dict
    suboptions:
      passing:
        description: Weight while it passes.
        type: int
        default: 1
      warning:
        description: Weight while it warns.
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
        description: The check's identifier.
        type: str
      name:
        description: The check's name.
        type: str
      notes:
        description: A remark for people.
        type: str
      http:
        description: URL that must answer with a 2xx status.
        type: str
      method:
        description: HTTP method.
        type: str
      header:
        description: HTTP headers, a list of values each.
        type: dict
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
        description: Host and port that must answer a datagram.
        type: str
      grpc:
        description: Host, port and optionally service of the gRPC health protocol.
        type: str
      grpc_use_tls:
        description: Speak TLS to it.
        type: bool
      ttl:
        description: Time within which somebody must report.
        type: str
      docker_container_id:
        description: Container in which O(checks[].args) run; the agent must allow script checks.
        type: str
      shell:
        description: Shell for them.
        type: str
      args:
        description: Command and arguments.
        type: list
        elements: str
      alias_service:
        description: Service whose health this one shares.
        type: str
      alias_node:
        description: Node whose health this one shares.
        type: str
      interval:
        description: Time between two checks, such as V(10s).
        type: str
      timeout:
        description: Time one check may take.
        type: str
      status:
        description: Status until the first result.
        type: str
        choices: [passing, warning, critical]
      success_before_passing:
        description: Successes in a row before it passes.
        type: int
      failures_before_warning:
        description: Failures in a row before it warns.
        type: int
      failures_before_critical:
        description: Failures in a row before it is critical.
        type: int
      deregister_critical_service_after:
        description: Deregister the service when it was critical for so long, at least V(1m).
        type: str
  reason:
    description: Why it is in maintenance, for people.
    type: str
    default: ""
  wait:
    description: V(passing) waits until every check passes, and fails with what does not.
    type: str
    choices: [none, passing]
    default: none
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Register a web server with two checks
  rollcall.discovery.consul_service:
    name: web
    id: web-1
    address: 127.0.0.1
    port: 8500
    tags: [primary, v2]
    meta:
      version: "2.0"
    checks:
      - name: answers
        http: http://127.0.0.1:8500/v1/status/leader
        interval: 1s
        timeout: 500ms
        status: passing
      - name: listens
        tcp: 127.0.0.1:8500
        interval: 1s
    wait: passing

- name: Take it out of rotation
  rollcall.discovery.consul_service:
    name: web
    id: web-1
    state: maintenance
    reason: new kernel

- name: Deregister it
  rollcall.discovery.consul_service:
    id: web-1
    state: absent
"""

RETURN = r"""
outcome:
  description: What was done, or would be done.
  returned: success
  type: str
  sample: registered
service:
  description: The service as the agent has it afterwards, in check mode as it would have it; empty once deregistered.
  returned: success
  type: dict
checks:
  description: Its checks as the agent has them afterwards.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: The check's identifier., type: str}
    name: {description: The check's name., type: str}
    status: {description: "V(passing), V(warning) or V(critical).", type: str}
    output: {description: What it said last., type: str}
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.client import ConsulClient
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.errors import ConsulError
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.options import (
    CONNECTION,
    connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service import (
    Actual,
    Plan,
    Service,
    ServiceError,
    failing,
    plan_absent,
    plan_present,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._library import require

PAUSE_SECONDS = 0.2

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
    "header": {"type": "dict"},
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
    "reason": {"type": "str", "default": ""},
    "wait": {"type": "str", "choices": ["none", "passing"], "default": "none"},
    "wait_timeout": {"type": "int", "default": 60},
    **CONNECTION,
}


def look(client: ConsulClient, identifier: str) -> Actual:
    """What the agent has under this identifier."""
    entry = client.get(f"/v1/agent/service/{identifier}")
    if entry is None:
        return Actual()
    maintained = any(
        check["CheckID"] == f"_service_maintenance:{identifier}"
        for check in checks_of(client, identifier)
    )
    return Actual(Service.from_api(entry), maintained)


def checks_of(client: ConsulClient, identifier: str) -> list[dict[str, t.Any]]:
    """The service's checks as the agent has them."""
    found = client.get("/v1/agent/checks", filter=f"ServiceID == {_literal(identifier)}") or {}
    return [found[key] for key in sorted(found)]


def apply(client: ConsulClient, plan: Plan, identifier: str, reason: str) -> None:
    """Send the plan's requests."""
    path = f"/v1/agent/service/maintenance/{identifier}"
    if plan.deregister is not None:
        client.put(f"/v1/agent/service/deregister/{plan.deregister}")
    if plan.register is not None:
        client.put(
            "/v1/agent/service/register",
            plan.register.payload(),
            **{"replace-existing-checks": "true"},
        )
    if plan.maintenance is not None:
        client.put(path, enable=str(plan.maintenance).lower(), reason=reason)


def wait_passing(client: ConsulClient, identifier: str, seconds: float) -> None:
    """Wait until every check passes; ConsulError with what does not, at the deadline."""
    deadline = time.monotonic() + seconds
    while missing := failing(checks_of(client, identifier)):
        if time.monotonic() > deadline:
            raise ConsulError(
                f"service {identifier} does not pass after {seconds:.0f} s: {'; '.join(missing)}"
            )
        time.sleep(PAUSE_SECONDS)


def outcome_of(plan: Plan) -> str:
    """The plan in a word."""
    if plan.deregister is not None:
        return "deregistered"
    if plan.register is not None:
        return "registered"
    if plan.maintenance is not None:
        return "maintenance entered" if plan.maintenance else "maintenance left"
    return "unchanged"


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Plan once; apply it, or show it."""
    params = module.params
    identifier = params["id"] or params["name"]
    if not identifier:
        raise ServiceError("a service needs a name, or an id when it shall be absent")
    absent = params["state"] == "absent"
    wanted = None if absent else Service.from_params(params)
    client = ConsulClient(connection(params, os.environ)) if require(module, "consul") else None
    actual = look(client, identifier) if client else Actual()
    plan = (
        plan_absent(identifier, actual)
        if wanted is None
        else plan_present(wanted, actual, maintenance=params["state"] == "maintenance")
    )
    result = {**plan.diff.report(diff=module._diff), "outcome": outcome_of(plan)}
    if client is None or module.check_mode:
        shown = dict(plan.diff.after) if wanted else {}
        return {**result, "service": shown, "checks": []}
    apply(client, plan, identifier, params["reason"])
    if wanted is not None and params["wait"] == "passing":
        wait_passing(client, identifier, params["wait_timeout"])
    service = look(client, identifier).service
    checks = [
        {
            "id": check["CheckID"],
            "name": check["Name"],
            "status": check["Status"],
            "output": check["Output"],
        }
        for check in checks_of(client, identifier)
    ]
    return {**result, "service": service.shown() if service else {}, "checks": checks}


def _literal(text: str) -> str:
    """A text as a literal of Consul's filter language, in backquotes where it has quotes."""
    return f"`{text}`" if '"' in text else f'"{text}"'


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_if=[("state", "present", ["name"]), ("state", "maintenance", ["name"])],
    )
    try:
        module.exit_json(**run(module))
    except ConsulError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
