# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret from a file on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Read a secret that the role secrets created on the controller
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - Returns the content of a file below a directory on the controller, without trailing whitespace.
  - Decrypts a file that is encrypted with L(ansible-vault, https://docs.ansible.com/ansible/latest/cli/ansible-vault.html).
  - In check mode a missing secret is empty, because check mode does not create secrets.
options:
  _terms:
    description: Paths below O(directory), such as V(tokens/operator).
    required: true
  directory:
    description: Directory with the secrets on the controller.
    type: path
    required: true
  wanted:
    description: Whether to read the secrets. With V(false) nothing is read, and each result is empty.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Run a Consul server with the gossip encryption key from the controller
  ansible.builtin.include_role:
    name: rollcall.discovery.consul_server
  vars:
    consul_server_gossip_key: "{{ lookup('rollcall.discovery.secret', 'gossip.key', directory=inventory_dir ~ '/.secrets') }}"
"""

RETURN = r"""
_raw:
  description: The secrets, in the order of the terms.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """What Ansible looks for."""

    def run(
        self, terms: list[str], variables: dict[str, t.Any] | None = None, **options: t.Any
    ) -> list[str]:
        """The secrets; AnsibleLookupError names a missing one and the playbook that creates it."""
        self.set_options(var_options=variables, direct=options)
        if not self.get_option("wanted"):
            return [""] * len(terms)
        dry = bool((variables or {}).get("ansible_check_mode"))
        return [self._read(os.path.join(self.get_option("directory"), term), dry) for term in terms]

    def _read(self, path: str, dry: bool) -> str:
        if dry and not os.path.exists(path):
            return ""
        if not os.access(path, os.R_OK):
            raise AnsibleLookupError(
                f"cannot read the secret {path} on the controller. Run the playbook secrets, which "
                "creates missing ones, or set rollcall_secrets to the directory of the secrets"
            )
        # The loader decrypts; the method with a public name came with ansible-core 2.19.
        content: str = self._loader._get_file_contents(path)[0].decode().rstrip()
        if not content:
            raise AnsibleLookupError(
                f"the secret {path} is empty: remove the file and run the playbook secrets"
            )
        return content
