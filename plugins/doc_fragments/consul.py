# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that speaks to a Consul agent documents."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection to a Consul agent."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - The agent's address. Without it E(CONSUL_HTTP_ADDR) counts, then V(http://127.0.0.1:8500).
    type: str
  token:
    description:
      - ACL token. Without it O(token_file), then E(CONSUL_HTTP_TOKEN) count.
    type: str
  token_file:
    description:
      - File on the target that holds the ACL token. Without it E(CONSUL_HTTP_TOKEN_FILE) counts.
    type: path
  ca_path:
    description:
      - File with the certificate authorities to trust. Without it E(CONSUL_CACERT) counts.
    type: path
  client_cert:
    description:
      - Client certificate for mutual TLS. Without it E(CONSUL_CLIENT_CERT) counts.
    type: path
  client_key:
    description:
      - Key of O(client_cert). Without it E(CONSUL_CLIENT_KEY) counts.
    type: path
  validate_certs:
    description:
      - Whether to verify the agent's certificate.
    type: bool
    default: true
  datacenter:
    description:
      - The datacenter to ask, the agent's own by default.
    type: str
  namespace:
    description:
      - The namespace to work in. Without it E(CONSUL_NAMESPACE) counts. Only Consul Enterprise has namespaces.
    type: str
  timeout:
    description:
      - Seconds one request may take.
    type: int
    default: 10
  virtualenv:
    description:
      - The virtual environment that holds py-consul, used when the target's own Python lacks it.
    type: path
    default: /opt/rollcall/venv
notes:
  - A token in a task's C(environment) is printed by Ansible at C(-vvv). Use O(token_file), or O(token) from a vault.
requirements:
  - Python 3.10 or later, on the target
  - py-consul 1.8.0 or later, on the target
"""
