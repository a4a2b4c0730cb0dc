# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consul agent configuration as HCL."""

from __future__ import annotations

DOCUMENTATION = r"""
name: consul_hcl
short_description: Convert a Consul agent configuration to one line of HCL
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Converts a configuration to HCL on one line, for C(consul agent -hcl).
  - That flag accepts JSON as well, but then parses a nested object as a list.
options:
  _input:
    description: The agent configuration, with the names of Consul's configuration reference.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the flag for a telemetry configuration
  ansible.builtin.debug:
    msg: "-hcl={{ {'telemetry': {'disable_hostname': true}} | rollcall.discovery.consul_hcl }}"
"""

RETURN = r"""
_value:
  description: The configuration as HCL.
  type: str
"""

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.hcl import hcl


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"consul_hcl": hcl}
