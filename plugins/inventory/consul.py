# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory from the Consul catalog."""

from __future__ import annotations

DOCUMENTATION = r"""
name: consul
short_description: Inventory from the Consul catalog
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Uses the nodes of a Consul cluster, or the instances of its services, as hosts, and groups them by service, tag, datacenter, health and role.
  - The file must be named C(consul.yml) or C(consul.yaml), or end in C(.consul.yml) or C(.consul.yaml).
  - Sends four requests for each datacenter, and one for each service, in parallel. With exact names in O(filters.services), three and one for each name.
  - Every host has the variables C(consul_node), C(consul_node_id), C(consul_address), C(consul_tagged_addresses), C(consul_datacenter), C(consul_role),
    C(consul_health), C(consul_meta) and C(consul_services).
  - C(consul_services) is a list. Each entry has C(name), C(id), C(address), C(port), C(tags), C(meta) and C(status). For an instance as a host it
    contains this instance, which is also in C(consul_service).
  - C(consul_role) is V(server) or V(client). C(consul_health) is V(passing), V(warning) or V(critical), the worst of the node's own checks and those of
    the instances in C(consul_services).
notes:
  - Write access to the catalog controls which addresses a play connects to. Grant it only to those who may edit an inventory.
  - Values from the catalog are never evaluated as templates. In names of hosts and groups, special characters are replaced by underscores. An address that
    is neither an IP address nor a host name is ignored with a warning. No host gets the name V(localhost) or that of an existing group.
  - C(ansible-inventory --list) shows such values as C(__ansible_unsafe), C(--host) shows them unchanged.
  - The ACL token needs C(node:read) and C(service:read). Consul omits what it may not read, without an error.
extends_documentation_fragment:
  - rollcall.discovery.consul_plugin
  - constructed
  - inventory_cache
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [rollcall.discovery.consul]
  hosts:
    description: What to use as hosts, V(nodes), V(instances) of services, or both.
    type: list
    elements: str
    choices: [nodes, instances]
    default: [nodes]
  hostnames:
    description:
      - Sources of the host name, in order of preference. The first one that gives a unique name is used.
      - V(node) is the name of the node. V(instance) is, for an instance, its identifier and the name of its node. V(address), V(lan) and V(wan) are
        addresses, V(id) is the identifier, and C(meta.KEY) is an entry of the metadata.
      - If none gives a unique name, it is the name of the node with the datacenter, for an instance with its identifier in front.
    type: list
    elements: str
    default: [instance, node]
  ansible_host:
    description:
      - Kind of address for C(ansible_host). V(none) does not set it, for O(compose) or DNS.
      - Without an address of this kind the default one is used. An instance that was registered without an address has that of its node.
    type: str
    choices: [address, lan, wan, none]
    default: address
  group_by:
    description: Kinds of groups to create. The name of a group is O(group_prefix), the kind and the value, such as V(consul_service_web).
    type: list
    elements: str
    choices: [service, tag, datacenter, health, role]
    default: [service, tag, datacenter, health, role]
  group_prefix:
    description: Prefix of the names of these groups.
    type: str
    default: consul_
  filters:
    description:
      - Filters for nodes and instances. An unknown filter is an error.
      - Names may be shell patterns such as V(web-*).
    type: dict
    default: {}
    suboptions:
      services:
        description: Hosts with an instance of one of these services. Other instances are ignored.
        type: list
        elements: str
      tags:
        description: Hosts with an instance that has all of these tags. Other instances are ignored.
        type: list
        elements: str
      nodes:
        description: Nodes with these names.
        type: list
        elements: str
      datacenters:
        description: Datacenters to query instead of O(datacenter), V(*) for all. Each must answer.
        type: list
        elements: str
      passing_only:
        description: Only nodes whose own checks pass, and only their passing instances.
        type: bool
      node_expression:
        description: Consul's filter expression for nodes, with the selectors of C(/v1/catalog/nodes).
        type: str
      service_expression:
        description: Consul's filter expression for instances, with the selectors of C(/v1/health/service). Hosts without such an instance are ignored.
        type: str
seealso:
  - name: Consul's filter expressions
    description: Syntax, operators and selectors.
    link: https://developer.hashicorp.com/consul/api-docs/features/filtering
"""

EXAMPLES = r"""
# All nodes, from the agent at CONSUL_HTTP_ADDR or 127.0.0.1:8500. Groups such as
# consul_service_web, consul_tag_v2, consul_datacenter_dc1, consul_health_passing and
# consul_role_server.
plugin: rollcall.discovery.consul

---
# Only nodes with a passing instance of the web service, with the login user. Values of compose are
# expressions: a string is quoted twice.
plugin: rollcall.discovery.consul
url: "http://{{ lookup('ansible.builtin.env', 'CONSUL_HOST') | default('127.0.0.1', true) }}:8500"
filters:
  services: [my-web-server]
  passing_only: true
compose:
  ansible_user: "'root'"
  web_ports: consul_services | map(attribute='port') | sort

---
# One host for each instance of the web service, and a group for each owner.
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
# Filter expressions of Consul, in all datacenters, without the default groups.
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
# Cached for ten minutes. The cache contains the data of the catalog, but no token.
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
except ImportError:  # deprecated; since 2.19 a string is a template only if it is marked as trusted

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
# The version of the cached data: data of another version is ignored.
FORMAT = 1


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Options to requests, answers to hosts."""

    NAME = "rollcall.discovery.consul"

    def verify_file(self, path: str) -> bool:
        """Whether the file name is one for this plugin."""
        return bool(FILE.fullmatch(os.path.basename(path))) and super().verify_file(path)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts of the catalog."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        # Without its cause: Ansible would repeat the message for each.
        try:
            self._refuse_unknown(config)
            filters = Filters.from_option(self.get_option("filters") or {})
            shape = self._shape(frozenset(inventory.groups))
            found = build(self._nodes(path, self._connection(config), filters, cache), shape)
        except (ConsulError, InventoryError) as error:
            raise AnsibleParserError(f"inventory from Consul with {path}: {error}") from None
        except ImportError as error:
            raise AnsibleParserError(
                f"inventory from Consul with {path}: {error}. Install py-consul for the Python that runs "
                "ansible-core on this controller"
            ) from None
        for warning in found.warnings:
            self.display.warning(f"{path}: {warning}")
        for host in found.hosts:
            self._add(host)
        # A group with the name of a host would get its variables: groups come after all hosts.
        for host in found.hosts:
            self._construct(host)

    def _refuse_unknown(self, config: t.Mapping[str, t.Any]) -> None:
        """An unknown option is an error: a misspelled filter would select every host."""
        unknown = sorted(map(str, set(config) - set(self.get_options())))
        if unknown:
            raise InventoryError(
                f"there is no option {', '.join(unknown)}: see "
                f"'ansible-doc -t inventory {self.NAME}'"
            )

    def _shape(self, taken: frozenset[str]) -> Shape:
        """The options for hosts and groups."""
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
        """The selected nodes, from the cache for the same query, else from Consul.

        `cache` is false if a refresh is requested; its result is cached as well.
        """
        if not self.get_option("cache"):
            return query_nodes(agent, filters)
        key = self.get_cache_key(path)
        where = [agent.url, agent.datacenter, agent.namespace]
        query = _plain([FORMAT, *where, dataclasses.asdict(filters)])
        cached = self._cache.get(key) if cache else None
        if isinstance(cached, dict) and cached.get("query") == query:
            return tuple(CatalogNode.from_plain(each) for each in cached["nodes"])
        nodes = query_nodes(agent, filters)
        self._cache[key] = {"query": query, "nodes": [_plain(each.plain()) for each in nodes]}
        return nodes

    def _connection(self, config: t.Mapping[str, t.Any]) -> Connection:
        """The connection that the options describe, from the file or the environment."""
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
        """Add a host with its variables from the catalog and from `compose`."""
        self.inventory.add_host(host.name)
        for name, value in host.variables.items():
            self.inventory.set_variable(host.name, name, wrap_var(value))
        for group in host.groups:
            self.inventory.add_child(self.inventory.add_group(group), host.name)
        strict = self.get_option("strict")
        self._set_composite_vars(
            self.get_option("compose"), self._variables(host), host.name, strict
        )

    def _construct(self, host: Host) -> None:
        """Add a host to the groups of `groups` and `keyed_groups`."""
        groups, keyed = self.get_option("groups"), self.get_option("keyed_groups")
        strict, known = self.get_option("strict"), self._variables(host)
        self._add_host_to_composed_groups(groups, known, host.name, strict)
        self._add_host_to_keyed_groups(keyed, known, host.name, strict)

    def _variables(self, host: Host) -> dict[str, t.Any]:
        """The variables of a host so far, including those of other inventories."""
        known: dict[str, t.Any] = self.inventory.get_host(host.name).get_vars()
        return known


def _plain(value: t.Any) -> t.Any:
    """The value after a JSON round trip, so that it equals a cached one."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
