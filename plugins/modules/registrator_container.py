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
  - Touches no container but the one of this name, and that one only where this module made it.
  - Works with this collection's image and with any other that keeps the command line of gliderlabs/registrator.
  - An option with its default stays off the daemon's command line, so that an image which does not know it runs.
    Only O(resync_seconds), O(retry_attempts) and O(cleanup) always stand there, as others have another default.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description:
      - Predicts the real run, also on a host that has no engine or SDK yet.
      - With O(pull=always) it cannot tell whether the registry holds a newer image.
  diff_mode:
    support: full
    description: Shows the container before and after.
  idempotent:
    support: partial
    description: O(state=restarted) restarts on every run; all other states change nothing the second time.
extends_documentation_fragment:
  - rollcall.discovery.docker
  - rollcall.discovery.docker.wait
options:
  state:
    description:
      - V(started) runs it. V(present) makes it, or makes it anew, and starts it only then.
      - V(stopped) leaves it created and not running, V(restarted) stops and starts it on every run.
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
  pids_limit:
    description: How many processes and threads it may have.
    type: int
  user:
    description: User inside the container, C(uid[:gid]), who must be allowed to use O(docker_socket).
    type: str
  read_only:
    description: Mount the root file system read-only.
    type: bool
    default: false
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
  docker_socket:
    description: The engine's socket on the host.
    type: path
    default: /var/run/docker.sock
  socket_mount:
    description:
      - How the daemon gets to O(docker_socket).
      - V(directory) mounts the socket's folder and names the socket in C(DOCKER_HOST). A socket that Docker makes
        anew, as when it restarts, is found again.
      - V(file) mounts the socket as V(/tmp/docker.sock), for images that insist on it. Restart the container
        after Docker has made another socket.
    type: str
    choices: [directory, file]
    default: directory
  socket_volume:
    description:
      - Docker volume that is mounted in place of the folder of O(docker_socket), which then names the socket in it.
      - For a program that stands between the daemon and the engine and shares its own socket through the volume.
        The daemon has it read-only. Goes with O(socket_mount=directory).
    type: str
  token_file:
    description:
      - File on the host with the ACL token, mounted read-only and named in C(CONSUL_HTTP_TOKEN_FILE).
      - Write a new token into this file. A file put in its place is seen after O(state=restarted).
    type: path
  ca_file:
    description:
      - File on the host with the authority that signed the agent's certificate, where O(registry_uri) is C(consul-tls://).
        Mounted read-only and named in C(CONSUL_CACERT).
      - As with O(token_file), a file put in its place is seen after O(state=restarted).
    type: path
  env:
    description:
      - More environment variables for the daemon. They win over those that this module sets.
      - They stand in the container's labels, in the diff, and in the output at C(-vvv). Keep a token in O(token_file).
    type: dict
    default: {}
  registry_uri:
    description: The agent to register with, as a registry URI such as V(consul-tls://127.0.0.1:8501).
    type: str
    default: consul://127.0.0.1:8500
  ip:
    description: The address that clients reach this host's published ports at.
    type: str
  internal:
    description: Register container addresses and exposed ports instead of the host's.
    type: bool
    default: false
  network:
    description: With O(internal), the Docker network whose address counts where a container has several.
    type: str
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
    description: Seconds until a service that is not refreshed expires, together with O(ttl_refresh). V(0) for never.
    type: int
    default: 0
  ttl_refresh:
    description: Seconds between two refreshes, less than O(ttl). V(0) for none.
    type: int
    default: 0
  resync_seconds:
    description: Seconds between two full comparisons, V(0) for none.
    type: int
    default: 10
  cleanup:
    description: Remove dangling services. This collection's image always does, others only where they are told to.
    type: bool
    default: true
  deregister:
    description: When an exited container's services go.
    type: str
    choices: [always, on-success]
    default: always
  deregister_on_exit:
    description: A daemon that is stopped takes its services along.
    type: bool
    default: false
  docker_health:
    description: Pass a container's own C(HEALTHCHECK) on to Consul, unless it names a check by C(SERVICE_CHECK_*).
    type: bool
    default: false
  script_checks:
    description: Allow containers to ask for checks that run a command, with the rights of the agent on its host.
    type: bool
    default: false
  restore:
    description:
      - Behaviours of gliderlabs/registrator to bring back.
      - With V(container-ip) a container in a user-defined network registers its own address there.
      - With V(tag-order) tags stand in reverse order.
    type: list
    elements: str
    choices: [container-ip, tag-order]
    default: []
  retry_attempts:
    description: Tries more at the start, V(-1) for ever.
    type: int
    default: -1
  retry_interval:
    description: Milliseconds between two tries.
    type: int
    default: 2000
  log_level:
    description: Log what is at least of this weight.
    type: str
    choices: [debug, info, warning, error]
    default: info
  log_format:
    description: Log lines as text, or an object each.
    type: str
    choices: [text, json]
    default: text
  http:
    description:
      - Serve C(/metrics) and C(/healthz) at this V(host:port), or V(:port) for every address. Without it nothing listens.
      - With another O(network_mode) than V(host) it is reached at the container's address only.
    type: str
  extra_args:
    description: More flags as they are, of an image that has others than these options.
    type: list
    elements: str
    default: []
seealso:
  - module: rollcall.discovery.container_set
"""

EXAMPLES = r"""
- name: Register this host's containers in its own Consul agent
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Register only what names itself, with a tag of this host, in an agent that may start later
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"
    explicit: true
    tags: "docker,{{ inventory_hostname }}"
    deregister: on-success
    retry_attempts: -1
    retry_interval: 500
    resync_seconds: 30
    docker_health: true
    log_format: json
    memory: 64m

- name: Run another image, which takes its socket as a file and its options as they are
  rollcall.discovery.registrator_container:
    image: gliderlabs/registrator:v7
    hostname: "registrator-{{ inventory_hostname }}"
    socket_mount: file
    extra_args: ["-ip={{ ansible_host }}"]

- name: Reach the engine through a program that shares its own socket in a volume
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"
    docker_socket: /run/docker-socket-proxy/docker.sock
    socket_volume: docker-socket-proxy

- name: Register in the agent of another host, which is closed
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"
    registry_uri: consul-tls://192.0.2.1:8501
    ca_file: /etc/rollcall/registrator/ca.pem
    token_file: /etc/rollcall/registrator/token

- name: Create it where it is not, and leave one that was stopped
  rollcall.discovery.registrator_container:
    state: present
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Stop it, so that the catalog stays as it is
  rollcall.discovery.registrator_container:
    state: stopped
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
  description: The container of this name.
  returned: success
  type: dict
  contains:
    name: {description: Its name., type: str}
    image: {description: "The image's reference, null once removed.", type: str}
    action: {description: What was done or would be done., type: str, sample: recreated}
    reasons: {description: "Why, such as the options that differ.", type: list, elements: str}
    id: {description: "Its identifier, null where it does not exist.", type: str}
effective_options:
  description: The daemon's command line, and the options that stand on it; both empty with O(state=absent).
  returned: success
  type: dict
  contains:
    command:
      description: The command line.
      type: list
      elements: str
      sample: ["-ip=192.0.2.1", "-resync=10", "-retry-attempts=-1", "-cleanup", "consul://127.0.0.1:8500"]
    options:
      description: The options by their names in this module. One that is missing is left to the daemon.
      type: dict
      sample: {"ip": "192.0.2.1", "resync_seconds": 10, "cleanup": true}
services:
  description:
    - What this Registrator has registered, as its agent tells.
    - Empty, with a warning, where the agent does not answer or py-consul is missing.
    - Empty for registries other than Consul over TCP, and with O(state=absent).
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
from ansible_collections.rollcall.discovery.plugins.module_utils._base.library import require
from ansible_collections.rollcall.discovery.plugins.module_utils._base.run_module import run_module
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    agent,
)
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
    WAIT,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.registrator import (
    FILES,
    FLAGS,
    OWNER,
    agent_url,
    command_line,
    effective_options,
    outcome,
    registered,
    specification,
)

STATES = ["present", "started", "stopped", "restarted", "absent"]

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": STATES, "default": "started"},
    "name": {"type": "str", "default": "registrator"},
    "image": {"type": "str", "default": "rollcall/registrator:1.0.0"},
    "pull": PULL,
    "hostname": {"type": "str"},
    "network_mode": {"type": "str", "default": "host"},
    "memory": {"type": "str"},
    "pids_limit": {"type": "int"},
    "user": {"type": "str"},
    "read_only": {"type": "bool", "default": False},
    "cap_drop": {"type": "list", "elements": "str", "default": []},
    "security_opt": {"type": "list", "elements": "str", "default": []},
    "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
    "socket_mount": {"type": "str", "choices": ["directory", "file"], "default": "directory"},
    "socket_volume": {"type": "str"},
    "token_file": {"type": "path", "no_log": False},
    "ca_file": {"type": "path"},
    "env": {"type": "dict", "default": {}},
    "registry_uri": {"type": "str", "default": "consul://127.0.0.1:8500"},
    **{option: dict(flag.argument) for option, flag in FLAGS.items()},
    "extra_args": {"type": "list", "elements": "str", "default": []},
    **WAIT,
    **CONNECTION,
}


def request_of(module: AnsibleModule) -> Request:
    """What the module's parameters ask for: the Registrator of one name, or none of that name."""
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
        only=params["name"],
    )


def services(module: AnsibleModule) -> list[dict[str, t.Any]]:
    """What this Registrator has registered; a warning where its agent does not tell."""
    params = module.params
    url = agent_url(params["registry_uri"], params["env"])
    if params["state"] == "absent" or url is None:
        return []
    # Of the daemon's variables only this one is no path inside its container.
    own = {
        "CONSUL_HTTP_TOKEN": params["env"].get("CONSUL_HTTP_TOKEN"),
        "CONSUL_CACERT": params["ca_file"],
    }
    told = {name: str(value) for name, value in own.items() if value}
    try:
        client = ConsulClient(agent(url, params["token_file"], {**os.environ, **told}))
        found = client.get("/v1/agent/services")
    # TypeError: python-consul, of the same import name, takes other arguments. ValueError: the URI
    # has no number where its port should be.
    except (ConsulError, ImportError, TypeError, ValueError) as error:
        module.warn(
            f"the services of {params['hostname']} are not known: {error}. They are read with "
            "py-consul 1.8 or later from the agent of registry_uri"
        )
        return []
    return registered(found, params["hostname"])


def require_files(module: AnsibleModule) -> None:
    """ContainerError for a file that is not there: Docker would put a folder in its place."""
    if module.check_mode or not module.params["docker_host"].startswith("unix://"):
        return
    for option in FILES:
        path = module.params[option]
        if path and not os.path.isfile(path):
            raise ContainerError(
                f"{option} {path} is not a file on this host: write it first, or leave the "
                "option out; nothing was changed"
            )


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Converge and report; a host without SDK or engine can only be predicted."""
    request = request_of(module)
    engine = (
        connect(module.params, check_mode=module.check_mode) if require(module, "docker") else None
    )
    if request.containers:
        require_files(module)
    plan = converge(engine, request) if engine else predict_empty(request)
    return {
        **plan.diff.report(diff=module._diff),
        "container": outcome(module.params["name"], results(plan, engine)),
        "effective_options": {
            "command": command_line(module.params) if request.containers else [],
            "options": effective_options(module.params) if request.containers else {},
        },
        "services": services(module) if engine else [],
    }


def main() -> None:
    """Wiring only."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[("state", state, ["hostname"]) for state in STATES if state != "absent"],
        supports_check_mode=True,
    )
    run_module(module, run, ContainerError, EngineError)


if __name__ == "__main__":
    main()
