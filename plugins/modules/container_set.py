#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge all containers of one owner on a Docker host in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_set
short_description: Converge all containers of one owner on a Docker host
version_added: 1.0.0
description:
  - Creates, recreates, starts and removes containers so that the host runs exactly those given.
  - All images are fetched before the first container is touched, then the containers start in parallel.
  - A container is recreated only where its specification or its image differs; the result says which option.
  - Containers that carry no label of this O(owner) are never touched.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, also on a host that has no engine or SDK yet.
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
    description: Whose containers these are; kept in the label C(rollcall.owner).
    type: str
    required: true
  state:
    description: V(absent) removes all containers of the owner.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description: Remove containers of this owner that are not listed.
    type: bool
    default: true
  containers:
    description: The containers that shall run.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The container's name, unique on the host.
        type: str
        required: true
      image:
        description: The image's reference.
        type: str
        required: true
      pull:
        description: When to fetch the image from its registry.
        type: str
        choices: [missing, always, never]
        default: missing
      command:
        description: Arguments, instead of the image's own.
        type: list
        elements: str
        default: []
      entrypoint:
        description: The program, instead of the image's own.
        type: list
        elements: str
        default: []
      env:
        description: Environment variables.
        type: dict
        default: {}
      labels:
        description: Labels besides the ones of this module.
        type: dict
        default: {}
      hostname:
        description: The host name inside the container.
        type: str
      network_mode:
        description: The network, V(bridge), V(host), or a network's name.
        type: str
        default: bridge
      ports:
        description: Published ports, C([[address:]host port:]container port[/protocol]). Without a host port Docker chooses one.
        type: list
        elements: str
        default: []
      volumes:
        description: Volumes and bind mounts, C(source:target[:options]).
        type: list
        elements: str
        default: []
      tmpfs:
        description: Folders in memory.
        type: list
        elements: str
        default: []
      restart_policy:
        description: When Docker starts the container again.
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
        description: How many processes and threads it may have.
        type: int
      stop_signal:
        description: Signal that asks the container to stop.
        type: str
      stop_timeout:
        description: Seconds between that signal and SIGKILL.
        type: int
      init:
        description: Run an init process as process 1.
        type: bool
        default: false
      healthcheck:
        description: Docker's health check, instead of the image's own.
        type: dict
        suboptions:
          test:
            description: The command, as V(CMD) and its words.
            type: list
            elements: str
            required: true
          interval:
            description: Time between checks, such as V(2s).
            type: str
          timeout:
            description: Time a check may take.
            type: str
          start_period:
            description: Time in which failures do not count.
            type: str
          retries:
            description: Failures in a row that make it unhealthy.
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

- name: Remove them
  rollcall.discovery.container_set:
    owner: web
    state: absent
"""

RETURN = r"""
containers:
  description: One entry for each container that was wanted or removed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The container's name.
      type: str
    image:
      description: The image's reference, null for a removed container.
      type: str
    action:
      description: What was done, or would be done.
      type: str
      sample: recreated
    reasons:
      description: Why, such as the options that differ.
      type: list
      elements: str
    id:
      description: The container's identifier, null where it does not exist.
      type: str
    image_id:
      description: The identifier of the image that it was made of, null where it does not exist.
      type: str
    ports:
      description: Published ports, a list of host ports for each container port.
      type: dict
      sample: {"80/tcp": ["32768"]}
    address:
      description: The container's address in its network, empty on the host's network.
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
    """What the module's parameters ask for."""
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
    """Converge and report; a host without SDK or engine can only be predicted."""
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
