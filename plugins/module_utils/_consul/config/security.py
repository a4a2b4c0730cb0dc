# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The agent configuration for gossip encryption, TLS and ACLs. No I/O, and no secret in it.

A running cluster is secured in three rolling restarts: they combine the steps of Consul's own
procedures for enabling gossip encryption, TLS and ACLs.
"""

from __future__ import annotations

import typing as t

# The folder of the secrets inside the agent's container.
FOLDER = "/consul/credentials"
MIGRATIONS = ("", "accept", "offer")
KINDS = ("server", "client")


def agent_config(
    kind: str, migration: str, https_address: str, https_port: int
) -> dict[str, t.Any]:
    """The configuration of an agent of this kind at this stage of the migration.

    `accept`: accept encrypted traffic and send plaintext. `offer`: send encrypted traffic and still
    accept plaintext. Empty: require encryption. ValueError for other values.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, and must be one of {', '.join(KINDS)}")
    if migration not in MIGRATIONS:
        raise ValueError(f"migration is {migration!r}, and must be empty, accept or offer")
    outgoing, incoming = migration != "accept", migration == ""
    return {
        "encrypt_verify_outgoing": outgoing,
        "encrypt_verify_incoming": incoming,
        "ports": {"https": https_port, "grpc": -1, "grpc_tls": -1},
        "addresses": {"https": https_address},
        "tls": {
            "defaults": {
                "ca_file": f"{FOLDER}/ca.pem",
                "cert_file": f"{FOLDER}/agent.pem",
                "key_file": f"{FOLDER}/agent.key",
                "verify_outgoing": outgoing,
                "verify_incoming": incoming,
            },
            # HTTP clients authenticate with an ACL token, agents with a certificate.
            "https": {"verify_incoming": False},
            # A client certificate must not be accepted from a server.
            "internal_rpc": {"verify_server_hostname": incoming},
        },
        "acl": {
            "enabled": True,
            "default_policy": "deny" if incoming else "allow",
            "down_policy": "extend-cache",
            "enable_token_persistence": False,
        },
        "auto_reload_config": True,
        "enable_script_checks": False,
        "enable_local_script_checks": False,
        "disable_remote_exec": True,
    }
