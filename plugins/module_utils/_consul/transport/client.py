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
import os
import re
import socket
import ssl
import typing as t
import urllib.parse

from .errors import (
    ConsulError,
    Forbidden,
    NotBootstrapped,
    RequestRefused,
    Unavailable,
    Unreachable,
)

# Of rules and names that are wrong, Consul speaks with the status of a failure of its own.
_MISTAKE = re.compile(r"(rpc error making call: )?(Invalid |Failed to parse )")


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where the agent is and how to speak to it. `timeout` in seconds for each request."""

    url: str
    token: str | None = None
    verify: bool | str = True
    certificate: tuple[str, str] | None = None
    datacenter: str | None = None
    namespace: str | None = None
    timeout: float = 10.0

    @property
    def files(self) -> tuple[str, ...]:
        """The files that TLS needs on this host."""
        authorities = (self.verify,) if isinstance(self.verify, str) else ()
        return (*authorities, *(self.certificate or ()))


class ConsulClient:
    """The requests the modules need. Each raises a ConsulError where it fails."""

    def __init__(self, connection: Connection) -> None:
        """Prepare the transport; nothing is sent yet."""
        import consul
        import requests

        scheme, host, port = _split(connection.url)
        self._connection = connection
        # ValueError: urllib3 refuses what cannot be a host's name.
        self._broken = (requests.RequestException, OSError, ValueError)
        self._late = (requests.Timeout, TimeoutError)
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
        return self._send("get", path, params)[0]

    def get_with_acl_filter(self, path: str) -> tuple[t.Any, bool]:
        """The decoded answer of a GET, and whether Consul left out what the token may not see.

        It never says so to a request without a token.
        """
        answer, headers = self._send("get", path, {})
        filtered = headers.get("X-Consul-Results-Filtered-By-ACLs", "")
        return answer, filtered.lower() == "true"

    def put(self, path: str, body: t.Any = None, **params: str) -> t.Any:
        """The decoded answer of a PUT; Refused where there is nothing it could change (404)."""
        return self._send("put", path, params, data=_text(body))[0]

    def post(self, path: str, body: t.Any = None) -> t.Any:
        """The decoded answer of a POST."""
        return self._send("post", path, {}, data=_text(body))[0]

    def delete(self, path: str, body: t.Any = None) -> t.Any:
        """The decoded answer of a DELETE; Refused where there is nothing to delete (404)."""
        return self._send("delete", path, {}, data=_text(body))[0]

    def _send(
        self, verb: str, path: str, params: t.Mapping[str, str], **more: str
    ) -> tuple[t.Any, t.Mapping[str, str]]:
        query = list(params.items())
        if self._connection.datacenter:
            query.append(("dc", self._connection.datacenter))
        said = {
            "X-Consul-Token": self._connection.token,
            "X-Consul-Namespace": self._connection.namespace,
        }
        headers = {name: value for name, value in said.items() if value}
        attempt = f"{verb.upper()} {path} at {self._connection.url}"
        try:
            code, answered, body = getattr(self._http, verb)(
                tuple, path, query, headers=headers, **more
            )
        except self._broken as error:
            if isinstance(error, self._late) and self._leaderless():
                raise Unavailable(
                    f"{attempt}: no answer within {self._connection.timeout:g} s, for there is no "
                    "leader. Look at the cluster with consul_cluster_status"
                ) from error
            raise Unreachable(f"{attempt}: {self._failure(error)}") from error
        if code == 404 and verb == "get":
            return None, answered
        return _decode(attempt, code, body, bool(self._connection.token)), answered

    def _leaderless(self) -> bool:
        """Whether the agent answers that it knows no leader.

        Without one it holds a request back for 7 s and more, in the hope of an election: it looks
        like an agent that hangs. This question it answers by itself, at once.
        """
        hasty = dataclasses.replace(self._connection, timeout=min(1.0, self._connection.timeout))
        try:
            code, _headers, body = ConsulClient(hasty)._http.get(
                tuple, "/v1/status/leader", [("dc", hasty.datacenter)] if hasty.datacenter else []
            )
        except self._broken:
            return False
        return bool(code == 200 and body.strip() == '""')

    def _failure(self, error: Exception) -> str:
        """Why nothing came back, and what to do."""
        for path in self._connection.files:
            # One that is missing does not matter to a request without TLS.
            if path in str(error) and not os.path.exists(path):
                return (
                    f"not sent, for there is no file {path} on this host. Check ca_path, "
                    "client_cert and client_key"
                )
        if isinstance(error, self._late):
            return (
                f"no answer (not within {self._connection.timeout:g} s). Check that a Consul agent "
                "listens there and that no firewall drops the packets, or raise 'timeout'"
            )
        cause, remedy = _explained(error)
        return f"no answer ({cause}). {remedy}"


def _text(body: t.Any) -> str:
    """A body as it is sent; without one nothing, which is not `null`."""
    return "" if body is None else json.dumps(body)


def _explained(error: BaseException) -> tuple[str, str]:
    """The cause in the words of system or TLS library, and the remedy.

    The libraries wrap a cause several times, and print addresses of objects around it.
    """
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return each.verify_message.rstrip("."), _mistrust(each.verify_code)
        if isinstance(each, ssl.SSLError):
            return _tls(each)
        if isinstance(each, socket.gaierror):
            return "the name has no address", "Check the name in 'url' and the host's DNS"
        if isinstance(each, OSError) and each.errno is not None and each.strerror:
            return (
                each.strerror.lower(),
                "Check that a Consul agent listens there and that scheme and port fit",
            )
    return (
        " ".join(str(error).split()),
        "Check that a Consul agent listens there and that scheme, port and certificates fit",
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it, the innermost first."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.insert(0, following)
        # urllib3 keeps the cause in `reason`, requests among the arguments.
        kept = (getattr(following, "reason", None), *following.args)
        inner = next((each for each in kept if isinstance(each, BaseException)), None)
        following = inner or following.__cause__ or following.__context__
    return found


def _mistrust(code: int) -> str:
    """What to do about a certificate that OpenSSL refuses with this code."""
    # X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED; _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH.
    if code in (9, 10):
        return "Renew the agent's certificate, or set this host's clock"
    if code in (62, 64):
        return "Name the agent in 'url' as its certificate does"
    return "Name the authority that signed the agent's certificate in ca_path (CONSUL_CACERT)"


def _tls(error: ssl.SSLError) -> tuple[str, str]:
    """A handshake that failed for another reason than the agent's certificate."""
    reason = error.reason or ""
    cause = reason.replace("_", " ").lower() or " ".join(str(error).split())
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"no TLS is spoken there: {cause}", "Check the port, or name the agent with http://"
    return (
        f"TLS: {cause}",
        "Check client_cert and client_key, which the agent's authority must have signed, and "
        "ca_path",
    )


def _split(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an agent's address; ConsulError where it is none.

    A path would be dropped in silence: an agent behind one cannot be reached. So would a user and
    a query.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host and (parts.username is not None or parts.query or parts.fragment):
        # They may be a secret: the sentence does not repeat them.
        raise ConsulError(
            f"the address of {host} holds more than scheme, host and port, such as in "
            "http://127.0.0.1:8500. Give a token in token, token_file or CONSUL_HTTP_TOKEN"
        )
    if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise ConsulError(f"{url!r} is not an address such as http://127.0.0.1:8500")
    bracketed = f"[{host}]" if ":" in host else host
    return parts.scheme, bracketed, port or (8501 if parts.scheme == "https" else 8500)


def _decode(attempt: str, code: int, body: str, with_token: bool) -> t.Any:
    """The answer's content, or the error its status means."""
    text = body.strip()
    words = " ".join(text.split())
    if code == 403 and "ACL system must be bootstrapped" in text:
        raise NotBootstrapped(
            f"{attempt}: {words}. A server that catches up after its start says so too"
        )
    if code == 403:
        raise Forbidden(f"{attempt}: permission denied ({words}). {_rights(text, with_token)}")
    if code == 400 and "HTTP request to an HTTPS server" in text:
        raise RequestRefused(f"{attempt}: the agent speaks TLS there. Name it with https://")
    # Autopilot reports an unhealthy cluster with status 429 and its full answer.
    if (400 <= code < 500 and code != 429) or (code == 500 and _MISTAKE.match(text)):
        raise RequestRefused(f"{attempt}: refused with status {code}: {words}")
    if code >= 500:
        raise Unavailable(
            f"{attempt}: status {code}: {words}. Look at the cluster with consul_cluster_status"
        )
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise ConsulError(f"{attempt}: the answer is not Consul's: {text[:80]!r}") from error


def _rights(text: str, with_token: bool) -> str:
    """What to do about a request that the agent's access control refuses."""
    if not with_token:
        return "Name a token that may do it in token, token_file or CONSUL_HTTP_TOKEN"
    if "ACL not found" in text:
        return "Consul does not know this token: check it, or wait until its servers have it"
    return "Give the token the rights for it"
