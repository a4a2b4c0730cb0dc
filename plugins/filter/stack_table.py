# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack as a table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_table
short_description: Show hosts, containers and services as a table
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Joins the containers of the hosts with their registrations in Consul, one line for each container.
  - Registrations without a container have a line as well.
options:
  _input:
    description:
      - The result of M(rollcall.discovery.stack_info) for each host name, with an additional C(address).
      - The address is that of the registered services of the host, by default the host name.
    type: dict
    required: true
  services:
    description: Services that are load-balanced, by default all but C(consul).
    type: list
    elements: str
    default: []
seealso:
  - module: rollcall.discovery.stack_info
"""

EXAMPLES = r"""
- name: Show the stack as a table
  ansible.builtin.debug:
    msg: "{{ {'host-1': seen, 'host-2': other} | rollcall.discovery.stack_table }}"
"""

RETURN = r"""
_value:
  description: The lines of the table, the first about the cluster.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._topology.results import system_of
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.table import table


def stack_table(
    results: t.Mapping[str, t.Mapping[str, t.Any]], services: t.Sequence[str] = ()
) -> list[str]:
    """The lines of the table."""
    return table(system_of(results, services))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"stack_table": stack_table}
