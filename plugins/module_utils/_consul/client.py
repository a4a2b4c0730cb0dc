# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The HTTP API of a Consul agent, through the transport of py-consul.

py-consul leaves the token out of several calls (agent.self, agent.members, operator.*, status.*),
so every call goes through its transport with headers of ours.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
import urllib.parse

from .errors import ConsulError, Forbidden, Refused, Unavailable, Unreachable


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where the agent is and how to speak to it. `timeout` in seconds for each request."""

    url: str
    token: str | None = None
    verify: bool | str = True
    certificate: tuple[str, str] | None = None
    datacenter: str | None = None
    timeout: float = 10.0


class ConsulClient:
    """The requests the modules need. Each raises a ConsulError where it fails."""

    def __init__(self, connection: Connection) -> None:
        """Prepare the transport; nothing is sent yet."""
        import consul
        import requests

        scheme, host, port = _split(connection.url)
        self._connection = connection
        self._broken = (requests.RequestException, OSError)
        self._http = consul.Consul(
            host=host,
            port=port,
            scheme=scheme,
            verify=connection.verify,
            cert=connection.certificate,
            connections_timeout=connection.timeout,
        ).http

    def get(self, path: str, **params: str) -> t.Any:
        """The decoded answer of a GET; None where the agent says there is no such thing (404)."""
        return self._send("get", path, params)

    def put(self, path: str, body: t.Any = None, **params: str) -> t.Any:
        """The decoded answer of a PUT; Refused where there is nothing it could change (404)."""
        data = "" if body is None else json.dumps(body)
        return self._send("put", path, params, data=data)

    def _send(self, verb: str, path: str, params: t.Mapping[str, str], **more: str) -> t.Any:
        query = list(params.items())
        if self._connection.datacenter:
            query.append(("dc", self._connection.datacenter))
        headers = {"X-Consul-Token": self._connection.token} if self._connection.token else {}
        attempt = f"{verb.upper()} {path} at {self._connection.url}"
        try:
            code, _headers, body = getattr(self._http, verb)(
                tuple, path, query, headers=headers, **more
            )
        except self._broken as error:
            raise Unreachable(
                f"{attempt}: no answer ({error}). Check that a Consul agent listens there and that "
                "scheme, port and certificates fit"
            ) from error
        if code == 404 and verb == "get":
            return None
        return _decode(attempt, code, body)


def _split(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an agent's address; ConsulError where it is none.

    A path would be dropped in silence: an agent behind one cannot be reached.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise ConsulError(f"{url!r} is not an address such as http://127.0.0.1:8500")
    bracketed = f"[{host}]" if ":" in host else host
    return parts.scheme, bracketed, port or (8501 if parts.scheme == "https" else 8500)


def _decode(attempt: str, code: int, body: str) -> t.Any:
    """The answer's content, or the error its status means."""
    text = body.strip()
    if code == 403:
        raise Forbidden(f"{attempt}: permission denied ({text}). Give the token the rights for it")
    # Autopilot reports an unhealthy cluster with status 429 and its full answer.
    if 400 <= code < 500 and code != 429:
        raise Refused(f"{attempt}: refused with status {code}: {text}")
    if code >= 500:
        raise Unavailable(
            f"{attempt}: status {code}: {text}. Look at the cluster with consul_cluster_status"
        )
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise ConsulError(f"{attempt}: the answer is not Consul's: {text[:80]!r}") from error
