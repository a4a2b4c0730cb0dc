#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage all containers of one owner on a Docker host in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_set
short_description: Manage all containers of one owner on a Docker host
version_added: 1.0.0
description:
  - Creates, recreates, starts and removes containers so that the host runs exactly the given ones.
  - All images are pulled before the first container changes, then the containers start in parallel.
  - A container is recreated only if its specification or its image differs. The result names the options that differ.
  - Containers without the label of this O(owner) are never changed.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, also on a host without Docker Engine or Docker SDK.
  diff_mode:
    support: full
    description: Shows each container that changes, before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
extends_documentation_fragment:
  - rollcall.discovery.docker
  - rollcall.discovery.docker.wait
options:
  owner:
    description: Owner of the containers, stored in the label C(rollcall.owner).
    type: str
    required: true
  state:
    description: V(present) runs O(containers), V(absent) removes all containers of the owner.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description: Remove containers of this owner that are not in O(containers).
    type: bool
    default: true
  containers:
    description: The containers to run.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the container, unique on the host.
        type: str
        required: true
      image:
        description: Reference of the image.
        type: str
        required: true
      pull:
        description: When to pull the image from its registry.
        type: str
        choices: [missing, always, never]
        default: missing
      command:
        description: Command, instead of that of the image.
        type: list
        elements: str
        default: []
      entrypoint:
        description: Entrypoint, instead of that of the image.
        type: list
        elements: str
        default: []
      env:
        description: Environment variables.
        type: dict
        default: {}
      labels:
        description: Labels in addition to those of this module.
        type: dict
        default: {}
      hostname:
        description: Host name inside the container.
        type: str
      network_mode:
        description: Network mode, V(bridge), V(host), or the name of a network.
        type: str
        default: bridge
      ports:
        description: Published ports, C([[address:]host port:]container port[/protocol]). Without a host port Docker assigns one.
        type: list
        elements: str
        default: []
      exposed_ports:
        description:
          - Ports that the container serves, C(port[/protocol]), in addition to those that its image exposes and those in O(containers[].ports).
          - They are not published. Registrator registers them where they are reachable, which is in the host's network or with its option C(-internal).
        type: list
        elements: str
        default: []
      volumes:
        description: Volumes and bind mounts, C(source:target[:options]).
        type: list
        elements: str
        default: []
      tmpfs:
        description: Directories to mount as tmpfs.
        type: list
        elements: str
        default: []
      restart_policy:
        description: Restart policy.
        type: str
        choices: ['no', on-failure, always, unless-stopped]
        default: unless-stopped
      user:
        description: User inside the container, C(uid[:gid]).
        type: str
      read_only:
        description: Mount the root file system read-only.
        type: bool
        default: false
      cap_add:
        description: Capabilities to add.
        type: list
        elements: str
        default: []
      cap_drop:
        description: Capabilities to drop.
        type: list
        elements: str
        default: []
      security_opt:
        description: Security options, such as V(no-new-privileges).
        type: list
        elements: str
        default: []
      memory:
        description: Memory limit, such as V(256m).
        type: str
      pids_limit:
        description: Limit of processes and threads.
        type: int
      stop_signal:
        description: Signal to stop the container.
        type: str
      stop_timeout:
        description: Seconds between that signal and C(SIGKILL).
        type: int
      init:
        description: Run an init process as process 1.
        type: bool
        default: false
      healthcheck:
        description: Health check, instead of that of the image.
        type: dict
        suboptions:
          test:
            description: Command of the health check, as V(CMD) and its arguments.
            type: list
            elements: str
            required: true
          interval:
            description: Interval between checks, such as V(2s).
            type: str
          timeout:
            description: Timeout of a check.
            type: str
          start_period:
            description: Time after the start in which failures do not count.
            type: str
          retries:
            description: Consecutive failures until it is unhealthy.
            type: int
"""

EXAMPLES = r"""
- name: Run two web servers on random ports
  rollcall.discovery.container_set:
    owner: web
    containers:
      - name: web-1
        image: rollcall/helloworld:1.0.0
        ports: ["80"]
      - name: web-2
        image: rollcall/helloworld:1.0.0
        ports: ["80"]

- name: Run a container in the host's network, and let Registrator register it at the port that it serves
  rollcall.discovery.container_set:
    owner: web
    purge: false
    containers:
      - name: web-files
        image: rollcall/helloworld:1.0.0
        entrypoint: [python3, -m, http.server, "8000", --directory, /usr/share/doc]
        network_mode: host
        exposed_ports: ["8000"]
        labels:
          SERVICE_8000_NAME: web-files
          SERVICE_8000_CHECK_HTTP: /
          # The image exposes this port, which nothing serves here.
          SERVICE_80_IGNORE: "true"

- name: Remove all containers of an owner
  rollcall.discovery.container_set:
    owner: web
    state: absent
"""

RETURN = r"""
containers:
  description: One entry for each given or removed container.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The container's name.
      type: str
    image:
      description: Reference of the image, null for a removed container.
      type: str
    action:
      description: The action, in check mode the predicted one.
      type: str
      sample: recreated
    reasons:
      description: The reasons for the action, such as the options that differ.
      type: list
      elements: str
    id:
      description: ID of the container, null if it does not exist.
      type: str
    image_id:
      description: ID of the image it was created from, null if it does not exist.
      type: str
    ports:
      description: Published ports, a list of host ports for each container port.
      type: dict
      sample: {"80/tcp": ["32768"]}
    address:
      description: IP address of the container in its network, empty in the host network.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    ContainerError,
    ContainerSpec,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.converge import (
    Request,
    connect,
    converge,
    predict_empty,
    results,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import EngineError
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.options import (
    CONNECTION,
    CONTAINER,
    WAIT,
)


def request_of(module: AnsibleModule) -> Request:
    """The request that the module's options describe."""
    params = module.params
    wanted = params["containers"] if params["state"] == "present" else []
    return Request(
        owner=params["owner"],
        containers=tuple(ContainerSpec.from_params(item) for item in wanted),
        purge=params["purge"] or params["state"] == "absent",
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        check_mode=module.check_mode,
    )


def run(module: AnsibleModule) -> dict:
    """Apply and report; a host without SDK or engine can only be predicted."""
    request = request_of(module)
    engine = (
        connect(module.params, check_mode=module.check_mode) if require(module, "docker") else None
    )
    plan = converge(engine, request) if engine else predict_empty(request)
    return {**plan.diff.report(diff=module._diff), "containers": results(plan, engine)}


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={
            "owner": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purge": {"type": "bool", "default": True},
            "containers": {
                "type": "list",
                "elements": "dict",
                "options": CONTAINER,
                "default": [],
            },
            **WAIT,
            **CONNECTION,
        },
        supports_check_mode=True,
    )
    run_module(module, run, ContainerError, EngineError)


if __name__ == "__main__":
    main()
