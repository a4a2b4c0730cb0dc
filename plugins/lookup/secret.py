# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of the controller's secrets, where it is wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: One of the secrets that role secrets has made
version_added: 1.0.0
author:
  - rollcall contributors (@rollcall)
description:
  - The text of a file below a folder of the controller, without the blanks at its end.
  - A file that L(ansible-vault, https://docs.ansible.com/ansible/latest/cli/ansible-vault.html) has encrypted is decrypted.
  - In check mode a secret that is not there yet is empty, as a dry run makes none.
options:
  _terms:
    description: Paths below O(directory), such as V(tokens/operator).
    required: true
  directory:
    description: The folder on the controller.
    type: path
    required: true
  wanted:
    description: Whether it is wanted at all. Nothing is read, and the result is empty, where it is not.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Run an agent that has its key from the controller
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
        """The secrets, or AnsibleLookupError that names a missing one and who makes it."""
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
                f"the secret {path} cannot be read on the controller. Run the playbook secrets, "
                "which makes what is missing, or say with rollcall_secrets where the secrets lie"
            )
        # The loader decrypts; the method with a public name came with ansible-core 2.19.
        content: str = self._loader._get_file_contents(path)[0].decode().rstrip()
        if not content:
            raise AnsibleLookupError(f"the secret {path} is empty: remove the file to have it made")
        return content
