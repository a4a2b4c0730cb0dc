# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The security configuration of a Consul agent."""

from __future__ import annotations

DOCUMENTATION = r"""
name: consul_security
short_description: Agent configuration for gossip encryption, TLS and ACLs
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Returns the agent configuration for gossip encryption, TLS with C(verify_server_hostname), and ACLs with the default policy deny.
  - It contains no secret. An agent reads the secrets from C(/consul/credentials), where the role
    P(rollcall.discovery.consul_credentials#role) installs them.
options:
  _input:
    description:
      - Stage of the migration of a running cluster, in rolling restarts.
      - V(accept) accepts encrypted traffic and sends plaintext, V(offer) sends encrypted traffic and still accepts plaintext
        (C(encrypt_verify_outgoing), C(verify_outgoing)). Empty requires encryption (C(encrypt_verify_incoming), C(verify_incoming)).
    type: str
    required: true
  kind:
    description: Kind of the agent.
    type: str
    choices: [server, client]
    required: true
  https_address:
    description: Listen address for HTTPS.
    type: str
    default: 0.0.0.0
  https_port:
    description: Port for HTTPS.
    type: int
    default: 8501
"""

EXAMPLES = r"""
- name: Show the security configuration of a server
  ansible.builtin.debug:
    msg: "{{ '' | rollcall.discovery.consul_security('server') }}"
"""

RETURN = r"""
_value:
  description: The agent configuration.
  type: dict
"""

import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.security import (
    agent_config,
)


def consul_security(
    migration: str, kind: str, https_address: str = "0.0.0.0", https_port: int = 8501
) -> dict[str, t.Any]:
    """The agent configuration; ValueError for an invalid argument."""
    return agent_config(kind, migration, https_address, int(https_port))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"consul_security": consul_security}
