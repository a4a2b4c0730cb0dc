# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""What makes an agent a closed one, in Consul's configuration. No I/O, and no secret in it.

A cluster that serves in the open is closed in three steps, each an agent at a time: they are the
stages of Consul's own procedures for gossip encryption, TLS and ACLs, taken together.
"""

from __future__ import annotations

import typing as t

# Where an agent finds its secrets, inside of its container.
FOLDER = "/consul/credentials"
MIGRATIONS = ("", "accept", "offer")
KINDS = ("server", "client")


def agent_config(
    kind: str, migration: str, https_address: str, https_port: int
) -> dict[str, t.Any]:
    """The configuration of an agent of that kind, at that stage of a migration.

    `accept`: it understands encrypted words and says plain ones. `offer`: it says encrypted ones
    and still understands plain ones. Neither (empty): all is required. ValueError for other words.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, and must be one of {', '.join(KINDS)}")
    if migration not in MIGRATIONS:
        raise ValueError(f"migration is {migration!r}, and must be empty, accept or offer")
    speaks, requires = migration != "accept", migration == ""
    return {
        "encrypt_verify_outgoing": speaks,
        "encrypt_verify_incoming": requires,
        "ports": {"https": https_port, "grpc": -1, "grpc_tls": -1},
        "addresses": {"https": https_address},
        "tls": {
            "defaults": {
                "ca_file": f"{FOLDER}/ca.pem",
                "cert_file": f"{FOLDER}/agent.pem",
                "key_file": f"{FOLDER}/agent.key",
                "verify_outgoing": speaks,
                "verify_incoming": requires,
            },
            # Who speaks HTTP shows a token; the other agents show a certificate.
            "https": {"verify_incoming": False},
            # A client's certificate must not make a server.
            "internal_rpc": {"verify_server_hostname": requires},
        },
        "acl": {
            "enabled": True,
            "default_policy": "deny" if requires else "allow",
            "down_policy": "extend-cache",
            "enable_token_persistence": False,
        },
        "auto_reload_config": True,
        "enable_script_checks": False,
        "enable_local_script_checks": False,
        "disable_remote_exec": True,
    }
