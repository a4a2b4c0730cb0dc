# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every plugin on the controller that speaks to a Consul agent documents.

The options are those of the fragment `consul`. A plugin's come from the environment and from
ansible.cfg too, which a module's documentation must not say.
"""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection to a Consul agent, from the controller."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - The agent's address, V(http://127.0.0.1:8500) by default. May be a template.
      - Without a scheme it is V(https) where E(CONSUL_HTTP_SSL) says so.
    type: str
    env:
      - name: CONSUL_HTTP_ADDR
    ini:
      - section: consul
        key: url
  token:
    description:
      - ACL token, sent with each request and kept nowhere. May be a template.
      - One from the environment counts only without O(token_file).
    type: str
    env:
      - name: CONSUL_HTTP_TOKEN
  token_file:
    description:
      - File on the controller that holds the ACL token.
    type: path
    env:
      - name: CONSUL_HTTP_TOKEN_FILE
    ini:
      - section: consul
        key: token_file
  ca_path:
    description:
      - File with the certificate authorities to trust.
    type: path
    env:
      - name: CONSUL_CACERT
    ini:
      - section: consul
        key: ca_path
  client_cert:
    description:
      - Client certificate for mutual TLS.
    type: path
    env:
      - name: CONSUL_CLIENT_CERT
    ini:
      - section: consul
        key: client_cert
  client_key:
    description:
      - Key of O(client_cert).
    type: path
    env:
      - name: CONSUL_CLIENT_KEY
    ini:
      - section: consul
        key: client_key
  validate_certs:
    description:
      - Whether to verify the agent's certificate.
    type: bool
    default: true
    env:
      - name: CONSUL_HTTP_SSL_VERIFY
    ini:
      - section: consul
        key: validate_certs
  datacenter:
    description:
      - The datacenter to ask, the agent's own by default. May be a template.
    type: str
    ini:
      - section: consul
        key: datacenter
  namespace:
    description:
      - The namespace to work in. Only Consul Enterprise has namespaces.
    type: str
    env:
      - name: CONSUL_NAMESPACE
    ini:
      - section: consul
        key: namespace
  timeout:
    description:
      - Seconds one request may take.
    type: int
    default: 10
    ini:
      - section: consul
        key: timeout
requirements:
  - Python 3.10 or later, on the controller
  - py-consul 1.8.0 or later, on the controller
"""
