# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the connection to a Consul agent, for modules."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection to a Consul agent."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - URL of the HTTP API of the agent. The default is E(CONSUL_HTTP_ADDR), then V(http://127.0.0.1:8500).
    type: str
  token:
    description:
      - ACL token (its SecretID). The default is O(token_file), then E(CONSUL_HTTP_TOKEN).
    type: str
  token_file:
    description:
      - File on the target with the ACL token. The default is E(CONSUL_HTTP_TOKEN_FILE).
    type: path
  ca_path:
    description:
      - File with the CA certificates to trust. The default is E(CONSUL_CACERT).
    type: path
  client_cert:
    description:
      - File with the client certificate for mutual TLS. The default is E(CONSUL_CLIENT_CERT).
    type: path
  client_key:
    description:
      - File with the private key of O(client_cert). The default is E(CONSUL_CLIENT_KEY).
    type: path
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the agent.
    type: bool
    default: true
  datacenter:
    description:
      - Datacenter of the request, by default that of the agent.
    type: str
  namespace:
    description:
      - Namespace of the request. The default is E(CONSUL_NAMESPACE). Only Consul Enterprise has namespaces.
    type: str
  timeout:
    description:
      - Timeout of one request in seconds.
    type: int
    default: 10
  virtualenv:
    description:
      - Virtual environment with py-consul, used if the Python of the target lacks it.
    type: path
    default: /opt/rollcall/venv
notes:
  - Ansible prints a token in the C(environment) of a task at C(-vvv). Use O(token_file), or O(token) from a vault.
requirements:
  - Python 3.10 or later, on the target
  - py-consul 1.8.0 or later, on the target
"""
