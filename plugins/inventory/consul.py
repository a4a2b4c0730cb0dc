# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts from Consul's catalog."""

from __future__ import annotations

DOCUMENTATION = r"""
name: consul
short_description: Hosts from Consul's catalog
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Takes the nodes of a Consul cluster as hosts, or each instance of its services, and groups them by service, tag, datacenter, health and role.
  - The file is named C(consul.yml), or ends in C(.consul.yml); C(.yaml) does as well.
  - Asks four questions for each datacenter, and one more for each service, many at once. With names in O(filters.services), three and one for each name.
  - Every host has the variables C(consul_node), C(consul_node_id), C(consul_address), C(consul_tagged_addresses), C(consul_datacenter), C(consul_role),
    C(consul_health), C(consul_meta) and C(consul_services).
  - C(consul_services) is a list. Each entry has C(name), C(id), C(address), C(port), C(tags), C(meta) and C(status). The host of an instance has its
    own one there, and in C(consul_service).
  - C(consul_role) is V(server) or V(client). C(consul_health) is V(passing), V(warning) or V(critical), the worst of the node's own checks and those of
    the instances in C(consul_services).
notes:
  - Whoever may write to the catalog decides which addresses a play reaches. Give the rights for that to those alone whom you would let edit an inventory.
  - What stands in the catalog is never a template. In names of hosts and groups every unusual character becomes an underscore. An address that is
    neither an IP address nor a host name is left out with a warning, and the name V(localhost) and the names of present groups are given to nobody.
  - C(ansible-inventory --list) shows such texts as C(__ansible_unsafe), C(--host) as they are.
  - The token needs C(node:read) and C(service:read). What it may not read is missing without an error.
extends_documentation_fragment:
  - rollcall.discovery.consul_plugin
  - constructed
  - inventory_cache
options:
  plugin:
    description: This plugin's name.
    type: str
    required: true
    choices: [rollcall.discovery.consul]
  hosts:
    description: What becomes a host, V(nodes), V(instances) of services, or both.
    type: list
    elements: str
    choices: [nodes, instances]
    default: [nodes]
  hostnames:
    description:
      - Where a host's name comes from, the first that it has and no other wants.
      - V(node) is its node's name. V(instance) is, for an instance, its identifier and its node's name. V(address), V(lan) and V(wan) are its
        addresses, V(id) its identifier, and C(meta.KEY) is an entry of its metadata.
      - One that none of them names has its node's name with the datacenter, an instance its identifier before that.
    type: list
    elements: str
    default: [instance, node]
  ansible_host:
    description:
      - The address that C(ansible_host) is set to. V(none) leaves it to O(compose) or to DNS.
      - A host without an address of this kind has its plain one. An instance has its own, and its node's where it was registered without.
    type: str
    choices: [address, lan, wan, none]
    default: address
  group_by:
    description: Kinds of groups. Each is named after O(group_prefix), the kind and the value, as in V(consul_service_web).
    type: list
    elements: str
    choices: [service, tag, datacenter, health, role]
    default: [service, tag, datacenter, health, role]
  group_prefix:
    description: What these groups' names begin with.
    type: str
    default: consul_
  filters:
    description:
      - Which part of the catalog is wanted. One that does not exist is an error.
      - Names may be shell patterns such as V(web-*).
    type: dict
    default: {}
    suboptions:
      services:
        description: Hosts with an instance of one of these. Other instances are not shown.
        type: list
        elements: str
      tags:
        description: Hosts with an instance that has all of these. Other instances are not shown.
        type: list
        elements: str
      nodes:
        description: Nodes of these names.
        type: list
        elements: str
      datacenters:
        description: All of these instead of O(datacenter), V(*) for every one. Each must answer.
        type: list
        elements: str
      passing_only:
        description: Nodes whose own checks pass, and of their instances those that pass.
        type: bool
      node_expression:
        description: Consul's filter expression for nodes, with the selectors of C(/v1/catalog/nodes).
        type: str
      service_expression:
        description: Consul's filter expression for instances, with the selectors of C(/v1/health/service). Hosts without such an instance are left out.
        type: str
seealso:
  - name: Consul's filter expressions
    description: Operators, and where which selectors are.
    link: https://developer.hashicorp.com/consul/api-docs/features/filtering
"""

EXAMPLES = r"""
# The nodes of the agent at 127.0.0.1:8500, or where CONSUL_HTTP_ADDR says. Groups such as
# consul_service_web, consul_tag_v2, consul_datacenter_dc1, consul_health_passing and
# consul_role_server.
plugin: rollcall.discovery.consul

---
# Only nodes where the web service passes, with how to log in. Each value of compose is an
# expression: a text is quoted twice.
plugin: rollcall.discovery.consul
url: "http://{{ lookup('ansible.builtin.env', 'CONSUL_HOST') | default('127.0.0.1', true) }}:8500"
filters:
  services: [my-web-server]
  passing_only: true
compose:
  ansible_user: "'root'"
  web_ports: consul_services | map(attribute='port') | sort

---
# One host for each instance of the web service, and a group for each of its owners.
plugin: rollcall.discovery.consul
hosts: [instances]
filters:
  services: ["my-web-*"]
  tags: ["backend-*"]
keyed_groups:
  - key: consul_service.meta['registrator-owner']
    prefix: owner
strict: true

---
# Everything that Consul's own expressions can tell, in every datacenter, without our groups.
plugin: rollcall.discovery.consul
ansible_host: wan
hostnames: [meta.fqdn, node]
group_by: []
filters:
  datacenters: ["*"]
  node_expression: Meta["consul-version"] matches "^1[.]"
  service_expression: Service.Port != 0 and Service.Meta is not empty
groups:
  not_well: consul_health != 'passing'
  voters: consul_role == 'server'

---
# Asked for once in ten minutes. The cache holds no token, but all that the catalog has.
plugin: rollcall.discovery.consul
timeout: 3
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: "~/.cache/ansible/consul"
cache_timeout: 600
"""

import dataclasses
import os
import re
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.filters import (
    Filters,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.hosts import (
    Host,
    Shape,
    build,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.model import (
    CatalogNode,
    InventoryError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.inventory.queries import (
    query_nodes,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    connection,
)

try:
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:  # its end is announced; from 2.19 on no text is a template that is not marked

    def wrap_var(v: t.Any) -> t.Any:
        """Nothing to do."""
        return v


FILE = re.compile(r"(.*\.)?consul\.ya?ml")
TEMPLATES = ("url", "token", "datacenter")
PLAIN = (
    "token_file",
    "ca_path",
    "client_cert",
    "client_key",
    "validate_certs",
    "timeout",
    "namespace",
)
# Of what a cache keeps: another number is another version's, and is asked for again.
FORMAT = 1


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Wiring: options to requests, their answers to hosts."""

    NAME = "rollcall.discovery.consul"

    def verify_file(self, path: str) -> bool:
        """Whether the file's name is one of ours."""
        return bool(FILE.fullmatch(os.path.basename(path))) and super().verify_file(path)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts of the catalog."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        # Without its cause: Ansible would say the sentence once more for each.
        try:
            self._refuse_unknown(config)
            filters = Filters.from_option(self.get_option("filters") or {})
            shape = self._shape(frozenset(inventory.groups))
            found = build(self._nodes(path, self._connection(config), filters, cache), shape)
        except (ConsulError, InventoryError) as error:
            raise AnsibleParserError(f"hosts of Consul, by {path}: {error}") from None
        except ImportError as error:
            raise AnsibleParserError(
                f"hosts of Consul, by {path}: {error}. Install py-consul for the Python that runs "
                "ansible-core on this controller"
            ) from None
        for warning in found.warnings:
            self.display.warning(f"{path}: {warning}")
        for host in found.hosts:
            self._add(host)
        # A group that has a host's name would get its variables: none is made before all are set.
        for host in found.hosts:
            self._construct(host)

    def _refuse_unknown(self, config: t.Mapping[str, t.Any]) -> None:
        """A mistyped option must not go unseen: with none of its limits, every host is in."""
        unknown = sorted(map(str, set(config) - set(self.get_options())))
        if unknown:
            raise InventoryError(
                f"there is no option {', '.join(unknown)}: see "
                f"'ansible-doc -t inventory {self.NAME}'"
            )

    def _shape(self, taken: frozenset[str]) -> Shape:
        """The options that say how the inventory looks."""
        return Shape(
            hosts=tuple(self.get_option("hosts")),
            hostnames=tuple(self.get_option("hostnames")),
            ansible_host=self.get_option("ansible_host"),
            group_by=tuple(self.get_option("group_by")),
            group_prefix=self.get_option("group_prefix"),
            taken=taken,
        )

    def _nodes(
        self, path: str, agent: Connection, filters: Filters, cache: bool
    ) -> tuple[CatalogNode, ...]:
        """The wanted nodes: as the cache keeps them for the same question, else as Consul answers.

        `cache` is false when a play wants a fresh look; that is kept as well.
        """
        if not self.get_option("cache"):
            return query_nodes(agent, filters)
        key = self.get_cache_key(path)
        where = [agent.url, agent.datacenter, agent.namespace]
        asked = _plain([FORMAT, *where, dataclasses.asdict(filters)])
        kept = self._cache.get(key) if cache else None
        if isinstance(kept, dict) and kept.get("asked") == asked:
            return tuple(CatalogNode.from_plain(each) for each in kept["nodes"])
        nodes = query_nodes(agent, filters)
        self._cache[key] = {"asked": asked, "nodes": [_plain(each.plain()) for each in nodes]}
        return nodes

    def _connection(self, config: t.Mapping[str, t.Any]) -> Connection:
        """The connection that the options describe, each from the file, else the environment."""
        params = {name: self.get_option(name) for name in PLAIN}
        for name in TEMPLATES:
            value = self.get_option(name)
            try:
                params[name] = self.templar.template(value) if value else None
            except AnsibleError as error:
                raise InventoryError(f"option {name!r} has no value: {error}") from error
        if params["token_file"] and not config.get("token"):
            params["token"] = None
        environment = dict(os.environ)
        if params["url"] and "://" not in params["url"]:
            environment["CONSUL_HTTP_ADDR"] = params["url"]
            params["url"] = None
        return connection(params, environment)

    def _add(self, host: Host) -> None:
        """Add a host with what the catalog tells of it, and what `compose` makes of that."""
        self.inventory.add_host(host.name)
        for name, value in host.variables.items():
            self.inventory.set_variable(host.name, name, wrap_var(value))
        for group in host.groups:
            self.inventory.add_child(self.inventory.add_group(group), host.name)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), self._known(host), host.name, strict)

    def _construct(self, host: Host) -> None:
        """Add a host to the groups that expressions make."""
        groups, keyed = self.get_option("groups"), self.get_option("keyed_groups")
        strict, known = self.get_option("strict"), self._known(host)
        self._add_host_to_composed_groups(groups, known, host.name, strict)
        self._add_host_to_keyed_groups(keyed, known, host.name, strict)

    def _known(self, host: Host) -> dict[str, t.Any]:
        """A host's variables so far, those of other inventories too."""
        known: dict[str, t.Any] = self.inventory.get_host(host.name).get_vars()
        return known


def _plain(value: t.Any) -> t.Any:
    """The value as JSON gives it back, so that one from a cache compares equal."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
