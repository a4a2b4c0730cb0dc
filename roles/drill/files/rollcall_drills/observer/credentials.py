"""What a drill shows to the agents, and whom it takes for one: out of files, into memory alone."""

from __future__ import annotations

import pathlib
import re
import ssl
import urllib.parse
from collections.abc import Iterable, Mapping

from ..errors import Trouble
from ..history.settings import Settings

TOKEN_VARIABLE = "CONSUL_HTTP_TOKEN"
_VAULT_HEAD = "$ANSIBLE_VAULT"
# What an HTTP header bears; a library would quote anything else in its error.
_TOKEN = re.compile("[!-~]+")


def token_of(settings: Settings, environment: Mapping[str, str]) -> str:
    """The ACL token, empty where none is named; Trouble, which does not repeat it, for none.

    The file counts before the environment.
    """
    path = settings.consul_token_file
    if path is None:
        text, source = environment.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
    else:
        text, source = _read(path, "--consul-token-file"), path
    token = text.strip()
    if path is not None and not token:
        raise Trouble(f"{path} is empty", "Write the token's SecretID into it")
    if token and not _TOKEN.fullmatch(token):
        raise Trouble(
            f"{source} holds something else than a token",
            "Only the token's SecretID belongs there, on one line",
        )
    return token


def trust(urls: Iterable[str], authority: str | None = None) -> ssl.SSLContext | None:
    """Who may have signed these places' certificates: the file's authorities, else the system's.

    None where no URL speaks TLS; Trouble where the file holds no authority.
    """
    if not any(urllib.parse.urlsplit(url).scheme == "https" for url in urls):
        return None
    if authority is None:
        return ssl.create_default_context()
    _read(authority, "--consul-ca")
    try:
        return ssl.create_default_context(cafile=pathlib.Path(authority).expanduser())
    except ssl.SSLError as error:
        raise Trouble(
            f"{authority} holds no certificate",
            "Name the PEM file of the authority that signed the agents' certificates",
        ) from error


def _read(path: str, option: str) -> str:
    """The text of a file; Trouble where there is none to be read."""
    try:
        text = pathlib.Path(path).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Trouble(
            f"{path} cannot be read: {error.strerror}", f"Name another file in {option}"
        ) from error
    if text.startswith(_VAULT_HEAD):
        raise Trouble(
            f"{path} is encrypted with ansible-vault, and only Ansible can read that",
            "Decrypt it for the drill: (umask 077; ansible-vault view FILE > COPY), and name the "
            f"copy in {option}",
        )
    return text
