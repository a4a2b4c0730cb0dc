# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that closes a Consul agent."""

from __future__ import annotations

DOCUMENTATION = r"""
name: consul_security
short_description: The configuration that closes a Consul agent
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Gossip encryption, TLS with C(verify_server_hostname), and ACLs that deny by default, in Consul's own words.
  - There is no secret in it. An agent reads those from C(/consul/credentials), where role
    P(rollcall.discovery.consul_credentials#role) puts them.
options:
  _input:
    description:
      - How much is required while an open cluster is being closed, an agent at a time.
      - V(accept) understands encrypted words and says plain ones, V(offer) says encrypted ones and still understands
        plain ones. Empty requires everything.
    type: str
    required: true
  kind:
    description: What the agent is.
    type: str
    choices: [server, client]
    required: true
  https_address:
    description: Where it listens for HTTPS.
    type: str
    default: 0.0.0.0
  https_port:
    description: The port for HTTPS.
    type: int
    default: 8501
"""

EXAMPLES = r"""
- name: Show what closes a server
  ansible.builtin.debug:
    msg: "{{ '' | rollcall.discovery.consul_security('server') }}"
"""

RETURN = r"""
_value:
  description: The configuration.
  type: dict
"""

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.security import (
    agent_config,
)


def consul_security(
    migration: str, kind: str, https_address: str = "0.0.0.0", https_port: int = 8501
) -> dict[str, t.Any]:
    """The configuration; ValueError where it cannot be meant, which Ansible shows."""
    return agent_config(kind, migration, https_address, int(https_port))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"consul_security": consul_security}
