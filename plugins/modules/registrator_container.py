#!/usr/bin/python
# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the Registrator container of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registrator_container
short_description: Manage the Registrator container of a host
version_added: 1.0.0
description:
  - Runs Registrator on this host, with a typed option for every flag of the daemon.
  - Recreates the container only if a difference requires it, and names the difference.
  - Changes only the container of this name, and only if this module created it.
  - Works with the image of this collection, and with others that have the command line of gliderlabs/registrator.
  - An option at its default is omitted from the command line, so that images without this flag work.
    Only O(resync_seconds), O(retry_attempts) and O(cleanup) are always passed, because other images have other defaults.
author:
  - rollcall contributors (@rollcall)
attributes:
  check_mode:
    support: full
    description:
      - Predicts the real run, also on a host without Docker Engine or Docker SDK.
      - With O(pull=always) it cannot predict whether the registry has a newer image.
  diff_mode:
    support: full
    description: Shows the container before and after.
  idempotent:
    support: partial
    description: O(state=restarted) restarts on every run. A second run with any other state changes nothing.
extends_documentation_fragment:
  - rollcall.discovery.docker
  - rollcall.discovery.docker.wait
options:
  state:
    description:
      - V(started) creates and starts it. V(present) creates or recreates it, and starts it only then.
      - V(stopped) creates it and stops it. V(restarted) stops and starts it on every run.
      - V(absent) removes it. The services that it registered remain in Consul.
    type: str
    choices: [present, started, stopped, restarted, absent]
    default: started
  name:
    description: Name of the container.
    type: str
    default: registrator
  image:
    description: Reference of the image.
    type: str
    default: rollcall/registrator:1.0.0
  pull:
    description: When to pull the image from its registry.
    type: str
    choices: [missing, always, never]
    default: missing
  hostname:
    description:
      - Host name of the daemon, unique for each host. It identifies the services of this Registrator.
      - Required unless O(state=absent).
    type: str
  network_mode:
    description: Network mode, V(host), V(bridge), or the name of a network.
    type: str
    default: host
  memory:
    description: Memory limit, such as V(64m).
    type: str
  pids_limit:
    description: Limit of processes and threads.
    type: int
  user:
    description: User inside the container, C(uid[:gid]), with access to O(docker_socket).
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
    description: Socket of the Docker Engine on the host.
    type: path
    default: /var/run/docker.sock
  socket_mount:
    description:
      - How O(docker_socket) is mounted.
      - V(directory) mounts the directory of the socket, and sets C(DOCKER_HOST). It still works after a restart of Docker,
        which recreates the socket.
      - V(file) mounts the socket as V(/tmp/docker.sock), for images that require it. Restart the container
        after a restart of Docker.
    type: str
    choices: [directory, file]
    default: directory
  socket_volume:
    description:
      - Docker volume to mount instead of the directory of O(docker_socket). The file name of O(docker_socket) is the socket in it.
      - For a Docker socket proxy that provides its own socket in the volume. It is mounted read-only.
        Requires O(socket_mount=directory).
    type: str
  token_file:
    description:
      - File on the host with the ACL token, mounted read-only and set in C(CONSUL_HTTP_TOKEN_FILE).
      - Write a new token into this file in place. A replaced file is visible only after O(state=restarted).
    type: path
  ca_file:
    description:
      - File on the host with the CA of the agent's certificate, for a O(registry_uri) with C(consul-tls://).
        Mounted read-only and set in C(CONSUL_CACERT).
      - As with O(token_file), a replaced file is visible only after O(state=restarted).
    type: path
  env:
    description:
      - Additional environment variables of the daemon. They override those of this module.
      - They are visible in the labels of the container, in the diff, and in the output of C(-vvv). Use O(token_file) for a token.
    type: dict
    default: {}
  registry_uri:
    description: Registry URI of the agent to register with, such as V(consul-tls://127.0.0.1:8501).
    type: str
    default: consul://127.0.0.1:8500
  ip:
    description: Address of this host for clients of its published ports.
    type: str
  internal:
    description: Register container addresses and exposed ports instead of those of the host.
    type: bool
    default: false
  network:
    description: With O(internal), the Docker network whose address to register for a container in several networks.
    type: str
  explicit:
    description: Register only containers with C(SERVICE_NAME).
    type: bool
    default: false
  use_ip_from_label:
    description: Label with the address of a container to register.
    type: str
  tags:
    description: Comma-separated tags for every service.
    type: str
  ttl:
    description: TTL of services in seconds, together with O(ttl_refresh). V(0) for none.
    type: int
    default: 0
  ttl_refresh:
    description: Seconds between two refreshes of the TTL, less than O(ttl). V(0) for none.
    type: int
    default: 0
  resync_seconds:
    description: Seconds between two resyncs of all services, V(0) for none.
    type: int
    default: 10
  cleanup:
    description: Remove dangling services. The image of this collection always does, other images only with this option.
    type: bool
    default: true
  deregister:
    description: When to deregister the services of an exited container.
    type: str
    choices: [always, on-success]
    default: always
  deregister_on_exit:
    description: Deregister all services when the daemon stops.
    type: bool
    default: false
  docker_health:
    description: Register the Docker C(HEALTHCHECK) of a container as a TTL check, unless it has C(SERVICE_CHECK_*).
    type: bool
    default: false
  script_checks:
    description: Allow containers to define script checks, which run a command with the permissions of the agent on its host.
    type: bool
    default: false
  restore:
    description:
      - Behaviors of gliderlabs/registrator to restore.
      - V(container-ip) registers the address of a container in its user-defined network.
      - V(tag-order) registers tags in reverse order.
    type: list
    elements: str
    choices: [container-ip, tag-order]
    default: []
  retry_attempts:
    description: Number of retries at the start, V(-1) for no limit.
    type: int
    default: -1
  retry_interval:
    description: Milliseconds between two retries.
    type: int
    default: 2000
  log_level:
    description: Minimum level of log messages.
    type: str
    choices: [debug, info, warning, error]
    default: info
  log_format:
    description: Format of log messages.
    type: str
    choices: [text, json]
    default: text
  http:
    description:
      - Listen address of C(/metrics) and C(/healthz), V(host:port), or V(:port) for all addresses. Disabled by default.
      - With another O(network_mode) than V(host) it is only reachable at the address of the container.
    type: str
  service_name:
    description:
      - Name of Registrator's own service in Consul, which it registers at the port of O(http) with a check of C(/healthz).
      - It is registered only if O(http) listens at all addresses or at O(ip), where the check and clients look for it,
        and only in the host's network or with O(internal). Not registered when empty.
    type: str
    default: registrator
  extra_args:
    description: Additional flags for an image with other flags than these options.
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

- name: Register only containers with SERVICE_NAME, with a tag of this host, and wait for the agent at the start
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

- name: Serve metrics and the health check, and register Registrator there as a service
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"
    http: ":8405"

- name: Run another image, with the socket as a file and additional flags
  rollcall.discovery.registrator_container:
    image: gliderlabs/registrator:v7
    hostname: "registrator-{{ inventory_hostname }}"
    socket_mount: file
    extra_args: ["-ip={{ ansible_host }}"]

- name: Use the Docker socket proxy with its socket in a volume
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"
    docker_socket: /run/docker-socket-proxy/docker.sock
    socket_volume: docker-socket-proxy

- name: Register in the agent of another host with TLS and an ACL token
  rollcall.discovery.registrator_container:
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"
    registry_uri: consul-tls://192.0.2.1:8501
    ca_file: /etc/rollcall/registrator/ca.pem
    token_file: /etc/rollcall/registrator/token

- name: Create the container, but do not start one that was stopped
  rollcall.discovery.registrator_container:
    state: present
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Stop Registrator, and keep its services in the catalog
  rollcall.discovery.registrator_container:
    state: stopped
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Restart Registrator
  rollcall.discovery.registrator_container:
    state: restarted
    hostname: "registrator-{{ inventory_hostname }}"
    ip: "{{ ansible_host }}"

- name: Remove Registrator
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
    image: {description: "Reference of the image, null if removed.", type: str}
    action: {description: "The action, in check mode the predicted one.", type: str, sample: recreated}
    reasons: {description: "The reasons for the action, such as the options that differ.", type: list, elements: str}
    id: {description: "Its ID, null if it does not exist.", type: str}
effective_options:
  description: The command line of the daemon, and the options on it. Both are empty with O(state=absent).
  returned: success
  type: dict
  contains:
    command:
      description: The command line.
      type: list
      elements: str
      sample: ["-ip=192.0.2.1", "-resync=10", "-retry-attempts=-1", "-cleanup", "consul://127.0.0.1:8500"]
    options:
      description: The options by their names in this module. Missing ones have the default of the daemon.
      type: dict
      sample: {"ip": "192.0.2.1", "resync_seconds": 10, "cleanup": true}
services:
  description:
    - The services of this Registrator at its agent.
    - Empty, with a warning, if the agent does not answer or py-consul is missing.
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
    "service_name": {"type": "str", "default": "registrator"},
    "extra_args": {"type": "list", "elements": "str", "default": []},
    **WAIT,
    **CONNECTION,
}


def request_of(module: AnsibleModule) -> Request:
    """The request that the options describe: one container, or none of its name."""
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
    """The services of this Registrator; a warning if its agent does not answer."""
    params = module.params
    url = agent_url(params["registry_uri"], params["env"])
    if params["state"] == "absent" or url is None:
        return []
    # The other variables of the daemon are paths inside its container.
    own = {
        "CONSUL_HTTP_TOKEN": params["env"].get("CONSUL_HTTP_TOKEN"),
        "CONSUL_CACERT": params["ca_file"],
    }
    variables = {name: str(value) for name, value in own.items() if value}
    try:
        client = ConsulClient(agent(url, params["token_file"], {**os.environ, **variables}))
        found = client.get("/v1/agent/services")
    # TypeError: python-consul, of the same import name, has other arguments. ValueError: the port
    # of the URI is not a number.
    except (ConsulError, ImportError, TypeError, ValueError) as error:
        module.warn(
            f"cannot read the services of {params['hostname']}: {error}. They are read with "
            "py-consul 1.8 or later from the agent of registry_uri"
        )
        return []
    return registered(found, params["hostname"])


def require_files(module: AnsibleModule) -> None:
    """ContainerError for a missing file: Docker would create a directory instead."""
    if module.check_mode or not module.params["docker_host"].startswith("unix://"):
        return
    for option in FILES:
        path = module.params[option]
        if path and not os.path.isfile(path):
            raise ContainerError(
                f"{option} {path} is not a file on this host: create it first, or omit the "
                "option; nothing was changed"
            )


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Apply and report; a host without SDK or engine can only be predicted."""
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
