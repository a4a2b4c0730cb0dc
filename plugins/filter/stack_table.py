# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack as a table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_table
short_description: A stack as a table
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Joins what the hosts run with what Consul says of it, a line for each container.
  - Whatever is registered without a container has a line too.
options:
  _input:
    description:
      - For each host, by its name, what M(rollcall.discovery.stack_info) returned there, and its C(address) besides.
      - The address is the one at which its services are registered, the host's name by default.
    type: dict
    required: true
  services:
    description: The services that are balanced. All but Consul's own by default.
    type: list
    elements: str
    default: []
seealso:
  - module: rollcall.discovery.stack_info
"""

EXAMPLES = r"""
- name: Show what runs where
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

from ansible_collections.rollcall.discovery.plugins.module_utils._topology.reading import system_of
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
