#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the containers of a host, and the cluster state and services of its Consul agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: List the containers of a host, and the cluster state and services of its Consul agent
version_added: 1.0.0
description:
  - Lists the containers of this host, and leader, members and service registrations of one Consul agent.
  - If the Docker Engine or the agent does not answer, RV(problems) says so and the rest is returned. So it works for a partly failed stack.
  - The filters P(rollcall.discovery.stack_table#filter) and P(rollcall.discovery.stack_svg#filter) show the results of all hosts together.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Same as a real run. Returns nothing but problems if the Python libraries are missing.
  diff_mode:
    support: N/A
    description: Does not change anything.
  idempotent:
    support: full
    description: Never reports a change.
extends_documentation_fragment:
  - rollcall.discovery.consul
options:
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
  - plugin: rollcall.discovery.stack_table
    plugin_type: filter
  - plugin: rollcall.discovery.stack_svg
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List the containers of this host and the services of its agent
  rollcall.discovery.stack_info:
  register: seen

- name: List the containers of this host and the services of another agent
  rollcall.discovery.stack_info:
    url: http://10.111.152.136:8500
    timeout: 3
  register: seen
"""

RETURN = r"""
containers:
  description: The containers of this host, running or not, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The container's name., type: str}
    image: {description: The image's reference., type: str}
    owner: {description: "Its owner, from the label C(rollcall.owner), empty without one.", type: str}
    status: {description: "Its status in Docker, such as V(running) or V(exited).", type: str}
    health: {description: "Its health in Docker, empty without a health check.", type: str}
    addresses: {description: Its addresses in Docker networks., type: list, elements: str}
    ports:
      description: Published ports, or exposed ports in the host network.
      type: list
      elements: dict
      contains:
        host: {description: Host port., type: int}
        container: {description: Container port., type: int}
consul:
  description: The cluster state from the agent, null if it does not answer.
  returned: success
  type: dict
  contains:
    leader: {description: "Address of the leader, empty without one.", type: str}
    leader_node: {description: "Node name of the leader, empty without one.", type: str}
    members:
      description: The agents in the gossip pool.
      type: list
      elements: dict
      contains:
        name: {description: Node name., type: str}
        address: {description: Address., type: str}
        role: {description: V(server) or V(client)., type: str}
        status: {description: "V(alive), V(failed), V(left) or V(leaving).", type: str}
    instances:
      description: All service registrations.
      type: list
      elements: dict
      contains:
        service: {description: The service's name., type: str}
        id: {description: Its identifier., type: str}
        node: {description: Node of the registration., type: str}
        address: {description: Address., type: str}
        port: {description: "Port, 0 without one.", type: int}
        tags: {description: Tags., type: list, elements: str}
        status: {description: "The worst of its checks, V(passing), V(warning) or V(critical).", type: str}
problems:
  description: What could not be read, one sentence each.
  returned: success
  type: list
  elements: str
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.overview import (
    overview,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container_list import (
    list_containers,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import (
    Engine,
    EngineError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.options import (
    CONNECTION as ENGINE,
)

Look = t.Callable[[], t.Any]


def attempt(library: str, look: Look, otherwise: t.Any, module: AnsibleModule) -> tuple[t.Any, str]:
    """The result of `look`, or `otherwise` with the reason."""
    if not require(module, library):
        return otherwise, f"the Python library {library} is not installed yet"
    try:
        return look(), ""
    except (ConsulError, EngineError) as error:
        return otherwise, str(error)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Read both, even if one fails."""
    params = module.params
    agent = connection(params, os.environ)
    containers, docker_problem = attempt(
        "docker",
        lambda: list_containers(Engine(params["docker_host"], params["timeout"])),
        [],
        module,
    )
    consul, consul_problem = attempt("consul", lambda: overview(ConsulClient(agent)), None, module)
    return {
        "changed": False,
        "containers": containers,
        "consul": consul,
        "problems": [each for each in (docker_problem, consul_problem) if each],
    }


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={"docker_host": ENGINE["docker_host"], **CONNECTION},
        supports_check_mode=True,
    )
    run_module(module, run, ConsulError)


if __name__ == "__main__":
    main()
