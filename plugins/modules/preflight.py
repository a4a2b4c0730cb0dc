#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what on this host would make the roles fail, before anything changes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Tell what would make the roles fail, before anything changes
version_added: 1.0.0
description:
  - Checks the inventory on the controller, then the host, and fails with everything that is wrong at once.
  - "On the controller: two hosts of one name or address, the number of servers, unknown or mistyped variables."
  - "On the host: ports in use, addresses the host does not have, a missing engine, images that cannot be had, and
    an agent of a closed cluster that would be opened."
  - A port that a container of the same role holds is not in use. The module works on a host that has nothing yet.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: N/A
    description: Does not change anything.
  idempotent:
    support: full
    description: Never reports a change.
options:
  members:
    description:
      - For each role of the collection, the inventory names of the hosts it will run on.
    type: dict
    required: true
  docker_socket:
    description:
      - Where the host's Docker Engine listens.
    type: path
    default: /var/run/docker.sock
  needs:
    description:
      - What the roles need of this host. The controller fills it in from O(members) and the host's variables.
    type: list
    elements: dict
    default: []
    suboptions:
      role:
        description: The role.
        type: str
        required: true
      ports:
        description: Ports on the host, such as V(8500/tcp).
        type: list
        elements: str
        default: []
      addresses:
        description: Addresses the host must have.
        type: list
        elements: str
        default: []
      image:
        description: The image that will run.
        type: str
      pull:
        description: When the image will be pulled.
        type: str
        choices: [missing, always, never]
        default: missing
      may_install:
        description: Whether an engine may be installed.
        type: bool
        default: true
      open_agent:
        description: Whether it is an agent of the open profile.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Check a server's host before the role runs
  rollcall.discovery.preflight:
    members:
      consul_server: "{{ groups['consul_servers'] }}"
"""

RETURN = r"""
problems:
  description: What is wrong on this host, a sentence each, also when the module fails.
  returned: always
  type: list
  elements: str
  sample: ["port 8500/tcp is in use by consul (process 812)"]
checked:
  description: How much was looked at.
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
    """Why there will be no engine when the roles need it."""
    if docker.answers():
        return []
    if not all(need["may_install"] for need in needs):
        return [
            f"no Docker Engine answers at {path}, and docker_host_install is off: install Docker "
            "and start it, or switch docker_host_install on"
        ]
    if shutil.which("apt-get") is None:
        return [
            f"no Docker Engine answers at {path}, and this is no Debian or Ubuntu on which one "
            "could be installed: install Docker and start it"
        ]
    return []


def port_problems(docker: host.Docker, needs: list[dict[str, t.Any]]) -> list[str]:
    """Ports that somebody else listens on."""
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
            f"port {port} is in use by {holder}, and {wanted[port]} needs it: stop that or choose "
            "another port"
        )
    return problems


def address_problems(needs: list[dict[str, t.Any]]) -> list[str]:
    """Addresses to advertise that this host does not have."""
    return [
        f"address {address}, which {need['role']} shall advertise, is not on this host: see "
        "'ip address' for those it has"
        for need in needs
        for address in need["addresses"]
        if not host.has_address(address)
    ]


def image_problems(docker: host.Docker, needs: list[dict[str, t.Any]]) -> list[str]:
    """Images that are neither here nor to be had."""
    policies = {need["image"]: need["pull"] for need in needs if need["image"]}
    running = docker.answers()
    problems = []
    for image, pull in policies.items():
        if running and pull != "always" and docker.has_image(image):
            continue
        if pull == "never":
            problems.append(
                f"image {image} is not on this host and its pull policy is 'never': hand it over "
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
    """Closed agents that would come back open: without a word, and to peers that do not answer."""
    return [
        f"{container} is an agent of a closed cluster, and {need['role']}_profile is open: run with "
        "rollcall_profile=secure, or remove that container first to give up what protects it"
        for need in needs
        if need["open_agent"]
        for container in docker.closed(need["role"])
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
    # Without the engine that should be there, whose ports these are cannot be told.
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
