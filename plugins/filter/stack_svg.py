# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagram of the stack as SVG."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_svg
short_description: Draw a diagram of hosts, containers and services as SVG
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Draws hosts, containers, registrations, upstreams, leader and health as an SVG, without external files.
  - It adapts to light and dark mode, and shows details as tooltips.
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
  title:
    description: Title of the diagram.
    type: str
    default: What runs where
seealso:
  - module: rollcall.discovery.stack_info
"""

EXAMPLES = r"""
- name: Write a diagram of the stack
  ansible.builtin.copy:
    content: "{{ {'host-1': seen} | rollcall.discovery.stack_svg(title='Our hosts') }}"
    dest: topology.svg
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The SVG.
  type: str
"""

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._topology.picture import picture
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.results import system_of


def stack_svg(
    results: t.Mapping[str, t.Mapping[str, t.Any]],
    services: t.Sequence[str] = (),
    title: str = "What runs where",
) -> str:
    """The SVG."""
    return picture(system_of(results, services), title)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"stack_svg": stack_svg}
