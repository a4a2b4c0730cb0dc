#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the containers of a host with their registrations in Consul, and repair differences."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registrator_audit
short_description: Compare the containers of a host with their registrations in Consul, and repair differences
version_added: 1.0.0
description:
  - Compares the running containers of this host with the services of its agent, with the catalog and with the health of the nodes.
  - V(ghost) is a service of this host's Registrator without a running container for it, at this agent or at another one.
  - V(missing) is a container port that should be registered and is not, at the agent or in the catalog.
  - V(duplicate) is a second registration of the same instance, with the same name, address and port, at this agent or at another node.
  - V(wrong_address) and V(wrong_port) are registrations with another address or port than the container has.
  - V(stale_node) is a service whose own checks pass at a node whose agent has failed or left. The services of a dead node keep their last status.
  - Only findings that persist during O(wait_timeout) are reported, so that registrations in progress are not.
  - It is not named C(_info) because it can fail on purpose, as a gate in a play, and repair.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts what O(repair) would deregister. Audits and waits like a real run. Without the Python libraries it returns no findings, and warns.
  diff_mode:
    support: full
    description: Shows the services that O(repair) deregisters.
  idempotent:
    support: full
    description: A second run with O(repair) finds nothing to deregister. A run without it changes nothing.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
  hostname:
    description: The C(-hostname) of the Registrator, which identifies its services.
    type: str
    required: true
  ip:
    description:
      - The expected address of the services, the C(-ip) of the Registrator. Without it addresses are not checked.
      - Without it, registrations at other agents under this O(hostname) are reported but not repaired. They might belong to another host of this name.
    type: str
  internal:
    description: Whether the Registrator runs with C(-internal), which registers container addresses and exposed ports.
    type: bool
    default: false
  explicit:
    description: Whether the Registrator runs with C(-explicit), which registers only containers with C(SERVICE_NAME).
    type: bool
    default: false
  use_ip_from_label:
    description: The label with the address of a container, the C(-useIpFromLabel) of the Registrator.
    type: str
  ignore:
    description: Names of services to ignore.
    type: list
    elements: str
    default: []
  repair:
    description:
      - Deregister the findings that this Registrator registered, according to its metadata or to the format of the identifier, at the agent that has them.
      - Wrong registrations are deregistered, and the resync of Registrator registers them again. Only Registrator can add missing ones.
      - At a node whose agent has failed or left, the services of any Registrator are deregistered in the catalog. The node is kept.
      - Other services are never changed.
    type: bool
    default: false
  fail_on:
    description:
      - Kinds of findings that fail the module, after a repair.
      - All kinds by default, none with O(repair=true).
    type: list
    elements: str
    choices: [ghost, missing, duplicate, wrong_address, wrong_port, stale_node]
  wait_timeout:
    description: Seconds for which a finding must persist, before and again after a repair. V(0) audits once.
    type: int
    default: 10
  agent_url_template:
    description:
      - URL of other agents. V({scheme}) and V({port}) are those of O(url), V({address}), V({node}) and V({datacenter}) those of the node of the service.
    type: str
    default: "{scheme}://{address}:{port}"
  docker_host:
    description: URL of the Docker Engine API.
    type: str
    default: unix:///var/run/docker.sock
  timeout:
    description: Timeout of one request to the agent or to the Docker Engine in seconds.
  virtualenv:
    description: The virtual environment that holds py-consul and the Docker SDK, used if the Python of the target lacks them.
requirements:
  - docker (the SDK) 5.0.3 or later, on the target
seealso:
  - module: rollcall.discovery.registrator_container
  - module: rollcall.discovery.consul_service
"""

EXAMPLES = r"""
- name: Fail if the registrations of this host differ from its containers
  rollcall.discovery.registrator_audit:
    hostname: "{{ registrator_hostname }}"
    ip: "{{ registrator_ip }}"

- name: Fail on registrations that misroute clients, and only report the others
  rollcall.discovery.registrator_audit:
    hostname: "{{ registrator_hostname }}"
    fail_on: [ghost, wrong_address, wrong_port, stale_node]
  register: audit
  # ansible.builtin.debug with var: audit.table shows it.

- name: Repair the registrations, and fail if findings remain
  rollcall.discovery.registrator_audit:
    hostname: "{{ registrator_hostname }}"
    ip: "{{ registrator_ip }}"
    repair: true
    fail_on: [ghost, missing, duplicate, wrong_address, wrong_port, stale_node]
"""

RETURN = r"""
findings:
  description: The findings before a repair.
  returned: success, and if findings fail the module
  type: list
  elements: dict
  contains: &finding
    kind: {description: "V(ghost), V(missing), V(duplicate), V(wrong_address), V(wrong_port) or V(stale_node).", type: str}
    service_id: {description: The service's identifier., type: str}
    name: {description: The service's name., type: str}
    container: {description: "Name or short identifier of the container, empty if unknown.", type: str}
    address: {description: "The registered address, for V(missing) the expected one.", type: str}
    port: {description: "The registered port, for V(missing) the expected one.", type: int}
    node: {description: Node of the registration., type: str}
    detail: {description: "The problem, and the expected value.", type: str}
    repairable: {description: "Whether O(repair) would deregister it.", type: bool}
remaining:
  description: The findings after the repair, in check mode the predicted ones. Without O(repair) the same as RV(findings).
  returned: success, and if findings fail the module
  type: list
  elements: dict
  contains: *finding
counts:
  description: Number of RV(findings) of each kind.
  returned: success, and if findings fail the module
  type: dict
  sample: {"ghost": 1, "missing": 0, "duplicate": 0, "wrong_address": 0, "wrong_port": 0, "stale_node": 0}
table:
  description: The findings as lines with aligned columns, V(clean) without findings.
  returned: success, and if findings fail the module
  type: list
  elements: str
repaired:
  description: Identifiers of the services that were deregistered, or would be.
  returned: success, and if findings fail the module
  type: list
  elements: str
clean:
  description: Whether no findings remain. Also false if nothing could be audited, in check mode on an empty host.
  returned: success, and if findings fail the module
  type: bool
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.polling import poll
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.client import (
    AuditClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.findings import (
    audit,
    persistent,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import (
    KINDS,
    AuditData,
    Finding,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.plan import (
    RepairPlan,
    plan_repair,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.report import (
    counts,
    table,
    verdict,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.node_agent import (
    AGENT_URL_TEMPLATE,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    TRANSIENT,
    ConsulError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container_list import (
    inspect_running,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import (
    Engine,
    EngineError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.expected_services import (
    RegistratorSettings,
    expected_services,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.options import (
    CONNECTION as ENGINE,
)

# An audit needs a request for each service name in the catalog: longer than the default.
PAUSE_SECONDS = 0.5

ARGUMENTS: dict[str, t.Any] = {
    "hostname": {"type": "str", "required": True},
    "ip": {"type": "str"},
    "internal": {"type": "bool", "default": False},
    "explicit": {"type": "bool", "default": False},
    "use_ip_from_label": {"type": "str"},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "repair": {"type": "bool", "default": False},
    "fail_on": {"type": "list", "elements": "str", "choices": list(KINDS)},
    "wait_timeout": {"type": "int", "default": 10},
    "agent_url_template": {"type": "str", "default": AGENT_URL_TEMPLATE},
    # Both connections have a timeout and an environment: Consul's serve both.
    "docker_host": ENGINE["docker_host"],
    **CONNECTION,
}


class NotClean(Exception):
    """Findings that fail the module; `result` is what it returns with them."""

    def __init__(self, message: str, result: dict[str, t.Any]) -> None:
        """Keep the result for the failure."""
        super().__init__(message)
        self.result = result


class Auditor:
    """Compares the containers of the host with its agent and the catalog."""

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        """Connect to the engine; no request is sent to the agent yet."""
        self._params = params
        self._engine = Engine(params["docker_host"], params["timeout"])
        self._client = AuditClient(connection(params, os.environ), params["agent_url_template"])
        self._settings = RegistratorSettings(
            hostname=params["hostname"],
            ip=params["ip"] or "",
            internal=params["internal"],
            explicit=params["explicit"],
            label=params["use_ip_from_label"] or "",
        )

    def read(self) -> AuditData:
        """The data of an audit. Consul first: a container that starts in between is never a ghost."""
        answers = self._client.read()
        containers = inspect_running(self._engine)
        return AuditData(
            hostname=self._settings.hostname,
            node=answers.node,
            ip="" if self._settings.internal else self._settings.ip,
            expected=tuple(
                service
                for each in containers
                for service in expected_services(each, self._settings)
            ),
            running=frozenset(each["Id"][:12] for each in containers),
            agent=answers.agent,
            catalog=answers.catalog,
            members=answers.members,
        ).without(self._params["ignore"])

    def findings(self, accepted: t.Collection[t.Any] = ()) -> tuple[Finding, ...]:
        """The findings that persist until the deadline; polling ends early if only `accepted` are left.

        An agent that restarts has the same time to come back, and to learn of the ACL token.
        """
        keys: set[t.Any] | None = None

        def look() -> tuple[Finding, ...]:
            nonlocal keys
            found = persistent(audit(self.read()), keys)
            keys = {each.key for each in found}
            return found

        return poll(
            look,
            lambda found: [each for each in found if each.key not in accepted],
            self._params["wait_timeout"],
            retry_on=TRANSIENT,
            pause=PAUSE_SECONDS,
        )

    def repair(self, plan: RepairPlan) -> RepairPlan:
        """Deregister the removals of the plan; the part of the plan that was carried out.

        A failure does not stop the others; all errors are reported together.
        """
        own = self._client.read().node
        done, errors = [], []
        for entry in plan.removals:
            try:
                if self._client.remove(entry, own):
                    done.append(entry)
            except ConsulError as error:
                errors.append(str(error))
        if errors:
            removed = ", ".join(entry.id for entry in done) or "nothing"
            raise ConsulError(f"{'; '.join(errors)}. {removed} was deregistered")
        return plan.only(done)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Audit, repair if requested, and report; NotClean for remaining findings of `fail_on`."""
    params = module.params
    if not (require(module, "docker") and require(module, "consul")):
        module.warn(
            "nothing is audited: the Python libraries docker and consul are not installed yet"
        )
        return {**_report((), (), RepairPlan(), diff=module._diff), "clean": False, "table": []}
    auditor = Auditor(params)
    found = auditor.findings()
    plan = plan_repair(found) if params["repair"] else RepairPlan(left=found)
    left = plan.left
    if plan.removals and not module.check_mode:
        plan = auditor.repair(plan)
        left = auditor.findings(accepted={each.key for each in plan.left})
    result = _report(found, left, plan, diff=module._diff)
    fail_on = params["fail_on"]
    if fail_on is None:
        fail_on = [] if params["repair"] else KINDS
    fatal = tuple(each for each in left if each.kind in fail_on)
    if fatal:
        lines = "\n".join(table(fatal))
        raise NotClean(f"Consul and {params['hostname']}: {verdict(fatal)}\n{lines}", result)
    return result


def _report(
    found: t.Sequence[Finding], left: t.Sequence[Finding], plan: RepairPlan, *, diff: bool
) -> dict[str, t.Any]:
    """The module's return values."""
    return {
        **plan.diff.report(diff=diff),
        "findings": [each.shown() for each in found],
        "remaining": [each.shown() for each in left],
        "counts": counts(found),
        "table": table(found),
        "repaired": [entry.id for entry in plan.removals],
        "clean": not left,
    }


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_module(module, run, ConsulError, EngineError, NotClean)


if __name__ == "__main__":
    main()
