#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a host before the roles of this collection run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check an inventory and its hosts before the roles of this collection run
version_added: 1.0.0
description:
  - Validates the inventory on the controller, then the host, and fails with all problems at once.
  - "On the controller: duplicate names or addresses, services that two roles register, the number of servers, unknown or misspelled variables."
  - "On the host: ports in use, missing addresses, a missing Docker Engine, images that cannot be pulled, and
    an agent of a secure cluster that would lose encryption and ACLs."
  - A port that a container of the same role uses is not a problem. The module needs nothing on the host but Python.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: N/A
    description: Does not change anything.
  idempotent:
    support: full
    description: Never reports a change.
options:
  members:
    description:
      - The roles that will run, each with the inventory names of its hosts.
    type: dict
    required: true
  docker_socket:
    description:
      - Socket of the Docker Engine on the host.
    type: path
    default: /var/run/docker.sock
  needs:
    description:
      - Requirements of the roles on this host. The controller sets it from O(members) and the variables of the host.
    type: list
    elements: dict
    default: []
    suboptions:
      role:
        description: Name of the role.
        type: str
        required: true
      ports:
        description: Ports on the host, such as V(8500/tcp).
        type: list
        elements: str
        default: []
      addresses:
        description: IP addresses that the host must have.
        type: list
        elements: str
        default: []
      image:
        description: Image of the container.
        type: str
      pull:
        description: Pull policy of the image.
        type: str
        choices: [missing, always, never]
        default: missing
      may_install:
        description: Whether the role may install Docker Engine.
        type: bool
        default: true
      open_agent:
        description: Whether it is an agent of the profile V(open), without encryption and ACLs.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Check the hosts of Consul servers before the role runs
  rollcall.discovery.preflight:
    members:
      consul_server: "{{ groups['consul_servers'] }}"
"""

RETURN = r"""
problems:
  description: The problems of this host, one sentence each, also when the module fails.
  returned: always
  type: list
  elements: str
  sample: ["port 8500/tcp is in use by consul (process 812)"]
checked:
  description: Number of checked items.
  returned: success
  type: dict
  contains:
    ports: {description: Number of ports., type: int}
    addresses: {description: Number of addresses., type: int}
    images: {description: Number of images., type: int}
"""

import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight import host

NEED: dict[str, t.Any] = {
    "role": {"type": "str", "required": True},
    "ports": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "image": {"type": "str"},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "may_install": {"type": "bool", "default": True},
    "open_agent": {"type": "bool", "default": False},
}


def engine_problems(docker: host.Docker, path: str, needs: list[dict[str, t.Any]]) -> list[str]:
    """Why the roles will have no Docker Engine."""
    if docker.answers():
        return []
    if not all(need["may_install"] for need in needs):
        return [
            f"no Docker Engine answers at {path}, and docker_host_install is false: install Docker "
            "and start it, or set docker_host_install to true"
        ]
    if shutil.which("apt-get") is None:
        return [
            f"no Docker Engine answers at {path}, and it can be installed only on Debian and "
            "Ubuntu: install Docker and start it"
        ]
    return []


def port_problems(docker: host.Docker, needs: list[dict[str, t.Any]]) -> list[str]:
    """Ports that are in use by another process or container."""
    wanted = {port: need["role"] for need in needs for port in need["ports"]}
    taken = {port: inode for port, inode in host.listeners().items() if port in wanted}
    pids = host.holders(taken.values()) if taken else {}
    problems = []
    for port, inode in sorted(taken.items()):
        number, _slash, protocol = port.partition("/")
        pid = pids.get(inode)
        container = docker.publisher_of(int(number), protocol)
        if container is None and pid is not None:
            container = host.container_of(pid)
        if container is not None and docker.owner_of(container) == wanted[port]:
            continue
        holder = f"{host.process_name(pid)} (process {pid})" if pid else "another process"
        problems.append(
            f"port {port} is in use by {holder}, and {wanted[port]} needs it: stop it or choose "
            "another port"
        )
    return problems


def address_problems(needs: list[dict[str, t.Any]]) -> list[str]:
    """Advertise addresses that this host does not have."""
    return [
        f"the advertise address {address} of {need['role']} is not an address of this host: see "
        "'ip address'"
        for need in needs
        for address in need["addresses"]
        if not host.has_address(address)
    ]


def image_problems(docker: host.Docker, needs: list[dict[str, t.Any]]) -> list[str]:
    """Images that are neither present nor can be pulled."""
    policies = {need["image"]: need["pull"] for need in needs if need["image"]}
    running = docker.answers()
    problems = []
    for image, pull in policies.items():
        if running and pull != "always" and docker.has_image(image):
            continue
        if pull == "never":
            problems.append(
                f"image {image} is not on this host and its pull policy is 'never': load it "
                "first (playbook rollcall.discovery.images)"
            )
            continue
        refusal = docker.registry_refusal(image) if running else host.reachable(image)
        if refusal:
            problems.append(
                f"image {image} cannot be pulled: {refusal}. Check that the registry answers from "
                "this host and holds the image (playbook rollcall.discovery.images builds ours)"
            )
    return problems


def profile_problems(docker: host.Docker, needs: list[dict[str, t.Any]]) -> list[str]:
    """Secure agents that would silently lose encryption and ACLs."""
    return [
        f"{container} is an agent of a secure cluster, and {need['role']}_profile is open: run with "
        "rollcall_profile=secure, or remove that container first to disable encryption and ACLs"
        for need in needs
        if need["open_agent"]
        for container in docker.secure_containers(need["role"])
    ]


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec={
            "members": {"type": "dict", "required": True},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
            "needs": {"type": "list", "elements": "dict", "options": NEED, "default": []},
        },
        supports_check_mode=True,
    )
    needs = module.params["needs"]
    docker = host.Docker(module.params["docker_socket"])
    # Without a required engine, the owner of a port is unknown.
    problems = engine_problems(docker, module.params["docker_socket"], needs) or [
        *profile_problems(docker, needs),
        *address_problems(needs),
        *port_problems(docker, needs),
        *image_problems(docker, needs),
    ]
    if problems:
        module.fail_json(msg="Nothing was changed. " + "; ".join(problems), problems=problems)
    module.exit_json(
        changed=False,
        problems=[],
        checked={
            "ports": sum(len(need["ports"]) for need in needs),
            "addresses": sum(len(need["addresses"]) for need in needs),
            "images": len({need["image"] for need in needs if need["image"]}),
        },
    )


if __name__ == "__main__":
    main()
