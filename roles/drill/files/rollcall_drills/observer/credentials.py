"""The ACL token and the CAs for the agents: read from files, kept in memory only."""

from __future__ import annotations

import pathlib
import re
import ssl
import urllib.parse
from collections.abc import Iterable, Mapping

from ..errors import UserError
from ..history.settings import Settings

TOKEN_VARIABLE = "CONSUL_HTTP_TOKEN"
_VAULT_HEAD = "$ANSIBLE_VAULT"
# The characters an HTTP header may have; a library would quote others in its error.
_TOKEN = re.compile("[!-~]+")


def token_of(settings: Settings, environment: Mapping[str, str]) -> str:
    """The ACL token, empty without one; UserError, which does not quote it, for an invalid one.

    The file takes precedence over the environment.
    """
    path = settings.consul_token_file
    if path is None:
        text, source = environment.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
    else:
        text, source = _read(path, "--consul-token-file"), path
    token = text.strip()
    if path is not None and not token:
        raise UserError(f"{path} is empty", "Write the token's SecretID into it")
    if token and not _TOKEN.fullmatch(token):
        raise UserError(
            f"{source} does not hold a token",
            "Put the token's SecretID there, on one line, and nothing else",
        )
    return token


def trust(urls: Iterable[str], authority: str | None = None) -> ssl.SSLContext | None:
    """The TLS context for these URLs, with the CAs of the file, else those of the system.

    None where no URL uses TLS; UserError where the file has no certificate.
    """
    if not any(urllib.parse.urlsplit(url).scheme == "https" for url in urls):
        return None
    if authority is None:
        return ssl.create_default_context()
    _read(authority, "--consul-ca")
    try:
        return ssl.create_default_context(cafile=pathlib.Path(authority).expanduser())
    except ssl.SSLError as error:
        raise UserError(
            f"{authority} holds no certificate",
            "Give the PEM file of the CA that signed the agents' certificates",
        ) from error


def _read(path: str, option: str) -> str:
    """The text of a file; UserError where there is none to be read."""
    try:
        text = pathlib.Path(path).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}", f"Give another file in {option}"
        ) from error
    if text.startswith(_VAULT_HEAD):
        raise UserError(
            f"{path} is encrypted with ansible-vault, which only Ansible can read",
            "Decrypt it for the drill: (umask 077; ansible-vault view FILE > COPY), and give the "
            f"copy in {option}",
        )
    return text
