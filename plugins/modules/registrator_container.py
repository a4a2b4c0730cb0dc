#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one Registrator on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registrator_container
short_description: Run one Registrator on this host
version_added: 1.0.0
description:
  - Runs the Registrator of this host, with every option of the daemon typed.
  - Recreates the container only where a difference requires it, and says which.
  - Works with this collection's image and with any other that keeps the command line of gliderlabs/registrator.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description: Predicts the real run, also on a host that has no engine or SDK yet.
  diff_mode:
    support: full
    description: Shows the container before and after.
  idempotent:
    support: partial
    description: O(state=restarted) restarts on every run; all other states change nothing the second time.
extends_documentation_fragment:
  - rollcall.discovery.docker
options:
  state:
    description:
      - V(started) runs it. V(present) creates it, and starts it only then.
      - V(stopped) leaves it created and not running, V(restarted) stops and starts it.
      - V(absent) removes it. The services it registered stay in Consul.
    type: str
    choices: [present, started, stopped, restarted, absent]
    default: started
  name:
    description: The container's name.
    type: str
    default: registrator
  image:
    description: The image's reference.
    type: str
    default: rollcall/registrator:1.0.0
  pull:
    description: When to fetch the image from its registry.
    type: str
    choices: [missing, always, never]
    default: missing
  hostname:
    description:
      - The daemon's host name, another one on each host. It owns the services by this name.
      - Required unless O(state=absent).
    type: str
  network_mode:
    description: The network, V(host), V(bridge), or a network's name.
    type: str
    default: host
  memory:
    description: Memory limit, such as V(64m).
    type: str
  docker_socket:
    description: The engine's socket on the host. Its folder is mounted, so that a socket made anew is found again.
    type: path
    default: /var/run/docker.sock
  token_file:
    description: File on the host with the ACL token, mounted read-only.
    type: path
  env:
    description: More environment variables for the daemon.
    type: dict
    default: {}
  registry_uri:
    description: The agent to register with, as a registry URI.
    type: str
    default: consul://127.0.0.1:8500
  ip:
    description: The address that clients reach this host's published ports at.
    type: str
  internal:
    description: Register container addresses and exposed ports instead of the host's.
    type: bool
    default: false
  explicit:
    description: Register only what names itself.
    type: bool
    default: false
  use_ip_from_label:
    description: Take a container's address from this label.
    type: str
  tags:
    description: Tags for every service, separated by commas.
    type: str
  ttl:
    description: Seconds until a service that is not refreshed turns critical.
    type: int
  ttl_refresh:
    description: Seconds between two refreshes, less than O(ttl).
    type: int
  resync_seconds:
    description: Seconds between two full comparisons, 0 for none.
    type: int
    default: 10
  cleanup:
    description: Remove dangling services.
    type: bool
    default: true
  deregister:
    description: When an exited container's services go.
    type: str
    choices: [always, on-success]
    default: always
  retry_attempts:
    description: Tries more at the start, -1 for ever.
    type: int
    default: -1
  retry_interval:
    description: Milliseconds between them.
    type: int
  extra_args:
    description: More of the daemon's flags, as they are.
    type: list
    elements: str
    default: []
  wait:
    description:
      - What to wait for after starting. V(healthy) means Docker's health check where the image has one.
    type: str
    choices: [none, running, healthy]
    default: running
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 60
seealso:
  - module: rollcall.discovery.container_set
"""

EXAMPLES = r"""
- name: Register this host's containers in its own Consul agent
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Restart it
  rollcall.discovery.registrator_container:
    state: restarted
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Remove it
  rollcall.discovery.registrator_container:
    state: absent
"""

RETURN = r"""
container:
  description: The container.
  returned: success
  type: dict
  contains:
    name: {description: Its name., type: str}
    image: {description: "The image's reference, null once removed.", type: str}
    action: {description: What was done or would be done., type: str, sample: recreated}
    reasons: {description: "Why, such as the options that differ.", type: list, elements: str}
    id: {description: "Its identifier, null where it does not exist.", type: str}
effective_options:
  description: The daemon's options that are set, and its command line.
  returned: success
  type: dict
  contains:
    command: {description: The command line., type: list, elements: str}
    options: {description: "The options, by the names of this module.", type: dict}
services:
  description: What this host has registered, as its agent tells; empty where no agent answers.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: The service's identifier., type: str}
    name: {description: The service's name., type: str}
    address: {description: Its address., type: str}
    port: {description: Its port., type: int}
    tags: {description: Its tags., type: list, elements: str}
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.client import ConsulClient
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.errors import ConsulError
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.options import agent
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    ContainerError,
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
    PULL,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.registrator import (
    OWNER,
    agent_url,
    command_line,
    effective_options,
    registered,
    specification,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._library import require

STATES = ["present", "started", "stopped", "restarted", "absent"]

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": STATES, "default": "started"},
    "name": {"type": "str", "default": "registrator"},
    "image": {"type": "str", "default": "rollcall/registrator:1.0.0"},
    "pull": PULL,
    "hostname": {"type": "str"},
    "network_mode": {"type": "str", "default": "host"},
    "memory": {"type": "str"},
    "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
    "token_file": {"type": "path", "no_log": False},
    "env": {"type": "dict", "default": {}},
    "registry_uri": {"type": "str", "default": "consul://127.0.0.1:8500"},
    "ip": {"type": "str"},
    "internal": {"type": "bool", "default": False},
    "explicit": {"type": "bool", "default": False},
    "use_ip_from_label": {"type": "str"},
    "tags": {"type": "str"},
    "ttl": {"type": "int"},
    "ttl_refresh": {"type": "int"},
    "resync_seconds": {"type": "int", "default": 10},
    "cleanup": {"type": "bool", "default": True},
    "deregister": {"type": "str", "choices": ["always", "on-success"], "default": "always"},
    "retry_attempts": {"type": "int", "default": -1},
    "retry_interval": {"type": "int"},
    "extra_args": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "str", "choices": ["none", "running", "healthy"], "default": "running"},
    "wait_timeout": {"type": "int", "default": 60},
    **CONNECTION,
}


def request_of(module: AnsibleModule) -> Request:
    """What the module's parameters ask for: one Registrator, or none."""
    params = module.params
    absent = params["state"] == "absent"
    return Request(
        owner=OWNER,
        containers=() if absent else (specification(params),),
        purge=True,
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        check_mode=module.check_mode,
        state=params["state"],
    )


def services(module: AnsibleModule) -> list[dict[str, t.Any]]:
    """What this Registrator has registered; a warning where its agent does not tell."""
    url = agent_url(module.params["registry_uri"])
    if module.params["state"] == "absent" or url is None:
        return []
    try:
        client = ConsulClient(agent(url, module.params["token_file"], os.environ))
        found = client.get("/v1/agent/services")
    except (ConsulError, ImportError) as error:
        module.warn(f"the services of {module.params['hostname']} are not known: {error}")
        return []
    return registered(found or {}, module.params["hostname"])


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Converge and report; a host without SDK or engine can only be predicted."""
    request = request_of(module)
    engine = (
        connect(module.params, check_mode=module.check_mode) if require(module, "docker") else None
    )
    plan = converge(engine, request) if engine else predict_empty(request)
    found = results(plan, engine)
    container = found[0] if found else {"name": module.params["name"], "action": "unchanged"}
    keys = {"name": "", "image": None, "action": "", "reasons": [], "id": None}
    return {
        **plan.diff.report(diff=module._diff),
        "container": {key: container.get(key, default) for key, default in keys.items()},
        "effective_options": {
            "command": command_line(module.params) if request.containers else [],
            "options": effective_options(module.params) if request.containers else {},
        },
        "services": services(module) if engine else [],
    }


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except (ContainerError, EngineError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
