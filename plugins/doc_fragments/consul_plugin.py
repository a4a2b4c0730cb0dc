# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the connection to a Consul agent, for plugins on the controller.

The options are those of the fragment `consul`. Those of a plugin also come from the environment and
from ansible.cfg, which is invalid in the documentation of a module.
"""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection to a Consul agent, from the controller."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - URL of the HTTP API of the agent, V(http://127.0.0.1:8500) by default. May be a template.
      - Without a scheme E(CONSUL_HTTP_SSL) selects V(https).
    type: str
    env:
      - name: CONSUL_HTTP_ADDR
    ini:
      - section: consul
        key: url
  token:
    description:
      - ACL token (its SecretID). It is not cached. May be a template.
      - The environment variable is ignored with O(token_file).
    type: str
    env:
      - name: CONSUL_HTTP_TOKEN
  token_file:
    description:
      - File on the controller with the ACL token.
    type: path
    env:
      - name: CONSUL_HTTP_TOKEN_FILE
    ini:
      - section: consul
        key: token_file
  ca_path:
    description:
      - File with the CA certificates to trust.
    type: path
    env:
      - name: CONSUL_CACERT
    ini:
      - section: consul
        key: ca_path
  client_cert:
    description:
      - File with the client certificate for mutual TLS.
    type: path
    env:
      - name: CONSUL_CLIENT_CERT
    ini:
      - section: consul
        key: client_cert
  client_key:
    description:
      - File with the private key of O(client_cert).
    type: path
    env:
      - name: CONSUL_CLIENT_KEY
    ini:
      - section: consul
        key: client_key
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the agent.
    type: bool
    default: true
    env:
      - name: CONSUL_HTTP_SSL_VERIFY
    ini:
      - section: consul
        key: validate_certs
  datacenter:
    description:
      - Datacenter of the request, by default that of the agent. May be a template.
    type: str
    ini:
      - section: consul
        key: datacenter
  namespace:
    description:
      - Namespace of the request. Only Consul Enterprise has namespaces.
    type: str
    env:
      - name: CONSUL_NAMESPACE
    ini:
      - section: consul
        key: namespace
  timeout:
    description:
      - Timeout of one request in seconds.
    type: int
    default: 10
    ini:
      - section: consul
        key: timeout
requirements:
  - Python 3.10 or later, on the controller
  - py-consul 1.8.0 or later, on the controller
"""
