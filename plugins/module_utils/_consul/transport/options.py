# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The argument specification of the doc fragment `consul`, and the connection it describes."""

from __future__ import annotations

import os
import re
import typing as t

from .client import Connection
from .errors import ConsulError

# What is valid in an HTTP header, and not quoted in the errors of the libraries.
_TOKEN = re.compile("[ -~]+")

CONNECTION: dict[str, t.Any] = {
    "url": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "token_file": {"type": "path", "no_log": False},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "validate_certs": {"type": "bool", "default": True},
    "datacenter": {"type": "str"},
    "namespace": {"type": "str"},
    "timeout": {"type": "int", "default": 10},
    "virtualenv": {"type": "path", "default": "/opt/rollcall/venv"},
}


def connection(params: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> Connection:
    """The connection that options and Consul's own environment variables describe.

    An option overrides its variable. Raises ConsulError for an invalid one, such as a token file
    that cannot be read.
    """
    if params["timeout"] <= 0:
        raise ConsulError(f"timeout is {params['timeout']}: it must be at least 1 second")
    ca_path = params["ca_path"] or environment.get("CONSUL_CACERT")
    certificate = params["client_cert"] or environment.get("CONSUL_CLIENT_CERT")
    key = params["client_key"] or environment.get("CONSUL_CLIENT_KEY")
    if bool(certificate) != bool(key):
        raise ConsulError("client_cert and client_key must be given together")
    return Connection(
        url=params["url"] or _environment_url(environment),
        token=_token(params, environment),
        verify=(ca_path or True) if params["validate_certs"] else False,
        certificate=(certificate, key) if certificate and key else None,
        datacenter=params["datacenter"],
        namespace=params["namespace"] or environment.get("CONSUL_NAMESPACE"),
        timeout=params["timeout"],
    )


def agent(url: str, token_file: str | None, environment: t.Mapping[str, str]) -> Connection:
    """The connection to an agent at a known address, all else from Consul's environment."""
    unset = dict.fromkeys(CONNECTION)
    params = {**unset, "url": url, "token_file": token_file, "validate_certs": True, "timeout": 10}
    return connection(params, environment)


def _environment_url(environment: t.Mapping[str, str]) -> str:
    """CONSUL_HTTP_ADDR with its scheme, or the agent of this host."""
    address = environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    if "://" in address:
        return address
    secure = environment.get("CONSUL_HTTP_SSL", "").lower() in ("1", "true")
    return f"{'https' if secure else 'http'}://{address}"


def _token(params: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> str | None:
    """The ACL token: from the option, a file, or the environment."""
    path = params["token_file"] or environment.get("CONSUL_HTTP_TOKEN_FILE")
    if params["token"]:
        return _checked(params["token"], "the option token")
    if not path:
        token = environment.get("CONSUL_HTTP_TOKEN")
        return _checked(token, "CONSUL_HTTP_TOKEN") if token else None
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return _checked(file.read(), f"the token file {path}")
    except OSError as error:
        raise ConsulError(f"cannot read the token file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConsulError(f"the token file {path} is not a text file") from error


def _checked(text: str, source: str) -> str:
    """The token without surrounding blanks; ConsulError, which does not contain it, if invalid."""
    token = text.strip()
    if not token:
        raise ConsulError(f"{source} is empty: put the ACL token there, or do not set it")
    if not _TOKEN.fullmatch(token):
        raise ConsulError(
            f"{source} contains a line break or a character that no ACL token has: it must hold "
            "only the SecretID of the token"
        )
    return token
