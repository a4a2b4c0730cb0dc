# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack as a picture."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_svg
short_description: A stack as a picture
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Draws hosts, containers, registrations, upstreams, leader and health as an SVG, which needs no other file.
  - It adapts to light and dark, and tells more of a part where the pointer rests on it.
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
  title:
    description: What stands above it.
    type: str
    default: What runs where
seealso:
  - module: rollcall.discovery.stack_info
"""

EXAMPLES = r"""
- name: Draw what runs where
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
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.reading import system_of


def stack_svg(
    results: t.Mapping[str, t.Mapping[str, t.Any]],
    services: t.Sequence[str] = (),
    title: str = "What runs where",
) -> str:
    """The picture's text."""
    return picture(system_of(results, services), title)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"stack_svg": stack_svg}
