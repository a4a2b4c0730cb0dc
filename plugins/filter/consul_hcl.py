# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consul's configuration for its command line."""

from __future__ import annotations

DOCUMENTATION = r"""
name: consul_hcl
short_description: Consul's configuration for its command line
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - A configuration as C(consul agent -hcl) takes it, on one line.
  - That option takes JSON too, and then mistakes an object in an object for a list.
options:
  _input:
    description: The configuration, by Consul's own names.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what telemetry would be said with
  ansible.builtin.debug:
    msg: "-hcl={{ {'telemetry': {'disable_hostname': true}} | rollcall.discovery.consul_hcl }}"
"""

RETURN = r"""
_value:
  description: The configuration.
  type: str
"""

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.hcl import hcl


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"consul_hcl": hcl}
