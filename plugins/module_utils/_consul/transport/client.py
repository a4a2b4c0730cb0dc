# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The HTTP API of a Consul agent, through the transport of py-consul.

py-consul leaves the token out of several calls (agent.self, agent.members, operator.*, status.*),
so every call goes through its transport with our own headers.
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
    TokenNotFound,
    Unavailable,
    Unreachable,
)

# Consul reports invalid rules and names with status 500.
_INVALID_INPUT = re.compile(r"(rpc error making call: )?(Invalid |Failed to parse )")


@dataclasses.dataclass(frozen=True)
class Connection:
    """The address of an agent and the options of requests to it; `timeout` in s per request."""

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
    """The requests that the modules need. Each raises a ConsulError if it fails."""

    def __init__(self, connection: Connection) -> None:
        """Prepare the transport; nothing is sent yet."""
        import consul
        import requests

        scheme, host, port = _split(connection.url)
        self._connection = connection
        # ValueError: urllib3 rejects an invalid host name.
        self._transport_errors = (requests.RequestException, OSError, ValueError)
        self._timeouts = (requests.Timeout, TimeoutError)
        self._http = consul.Consul(
            host=host,
            port=port,
            scheme=scheme,
            verify=connection.verify,
            cert=connection.certificate,
            connections_timeout=connection.timeout,
        ).http

    def get(self, path: str, **params: str) -> t.Any:
        """The decoded answer of a GET; None for status 404."""
        return self._send("get", path, params)[0]

    def get_with_acl_filter(self, path: str) -> tuple[t.Any, bool]:
        """The decoded answer of a GET, and whether ACLs filtered it.

        Consul does not report the filtering to a request without a token.
        """
        answer, headers = self._send("get", path, {})
        filtered = headers.get("X-Consul-Results-Filtered-By-ACLs", "")
        return answer, filtered.lower() == "true"

    def put(self, path: str, body: t.Any = None, **params: str) -> t.Any:
        """The decoded answer of a PUT; RequestRefused for status 404."""
        return self._send("put", path, params, data=_text(body))[0]

    def post(self, path: str, body: t.Any = None) -> t.Any:
        """The decoded answer of a POST."""
        return self._send("post", path, {}, data=_text(body))[0]

    def delete(self, path: str, body: t.Any = None) -> t.Any:
        """The decoded answer of a DELETE; RequestRefused for status 404."""
        return self._send("delete", path, {}, data=_text(body))[0]

    def _send(
        self, verb: str, path: str, params: t.Mapping[str, str], **more: str
    ) -> tuple[t.Any, t.Mapping[str, str]]:
        query = list(params.items())
        if self._connection.datacenter:
            query.append(("dc", self._connection.datacenter))
        optional = {
            "X-Consul-Token": self._connection.token,
            "X-Consul-Namespace": self._connection.namespace,
        }
        headers = {name: value for name, value in optional.items() if value}
        attempt = f"{verb.upper()} {path} at {self._connection.url}"
        try:
            code, answered, body = getattr(self._http, verb)(
                tuple, path, query, headers=headers, **more
            )
        except self._transport_errors as error:
            if isinstance(error, self._timeouts) and self._without_leader():
                raise Unavailable(
                    f"{attempt}: no answer within {self._connection.timeout:g} s because there is "
                    "no leader. Check the cluster with consul_cluster_status"
                ) from error
            raise Unreachable(f"{attempt}: {self._failure(error)}") from error
        if code == 404 and verb == "get":
            return None, answered
        return _decode(attempt, code, body, bool(self._connection.token)), answered

    def _without_leader(self) -> bool:
        """Whether the agent reports that it knows no leader.

        Without a leader an agent delays a request for 7 s and more, until an election: it looks
        like an agent that hangs. It answers this request at once, without a leader.
        """
        short = dataclasses.replace(self._connection, timeout=min(1.0, self._connection.timeout))
        try:
            code, _headers, body = ConsulClient(short)._http.get(
                tuple, "/v1/status/leader", [("dc", short.datacenter)] if short.datacenter else []
            )
        except self._transport_errors:
            return False
        return bool(code == 200 and body.strip() == '""')

    def _failure(self, error: Exception) -> str:
        """Why there is no answer, and what to do."""
        for path in self._connection.files:
            # A missing file does not matter to a request without TLS.
            if path in str(error) and not os.path.exists(path):
                return (
                    f"not sent because the file {path} does not exist on this host. Check ca_path, "
                    "client_cert and client_key"
                )
        if isinstance(error, self._timeouts):
            return (
                f"no answer (not within {self._connection.timeout:g} s). Check that a Consul agent "
                "listens there and that no firewall drops the packets, or raise 'timeout'"
            )
        cause, remedy = _explained(error)
        return f"no answer ({cause}). {remedy}"


def _text(body: t.Any) -> str:
    """The encoded body; empty without one, which is not `null`."""
    return "" if body is None else json.dumps(body)


def _explained(error: BaseException) -> tuple[str, str]:
    """The cause as the system or the TLS library reports it, and the remedy.

    The libraries wrap a cause several times, with the addresses of objects in the messages.
    """
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return each.verify_message.rstrip("."), _certificate_remedy(each.verify_code)
        if isinstance(each, ssl.SSLError):
            return _tls(each)
        if isinstance(each, socket.gaierror):
            return "the host name does not resolve", "Check the name in 'url' and the host's DNS"
        if isinstance(each, OSError) and each.errno is not None and each.strerror:
            return (
                each.strerror.lower(),
                "Check that a Consul agent listens there and that scheme and port are right",
            )
    return (
        " ".join(str(error).split()),
        "Check that a Consul agent listens there and that scheme, port and certificates are right",
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


def _certificate_remedy(code: int) -> str:
    """What to do about a certificate that OpenSSL rejects with this code."""
    # X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED; _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH.
    if code in (9, 10):
        return "Renew the agent's certificate, or correct this host's clock"
    if code in (62, 64):
        return "Use a host name or address of the agent's certificate in 'url'"
    return "Set ca_path (CONSUL_CACERT) to the CA that signed the agent's certificate"


def _tls(error: ssl.SSLError) -> tuple[str, str]:
    """A failed TLS handshake for another reason than the agent's certificate."""
    reason = error.reason or ""
    cause = reason.replace("_", " ").lower() or " ".join(str(error).split())
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"the port does not speak TLS: {cause}", "Check the port, or use http:// in 'url'"
    return (
        f"TLS: {cause}",
        "Check client_cert and client_key, which must be signed by the agent's CA, and ca_path",
    )


def _split(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an agent's URL; ConsulError for an invalid one.

    The transport would silently drop a path, a user and a query.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host and (parts.username is not None or parts.query or parts.fragment):
        # They may be a secret: the message does not repeat them.
        raise ConsulError(
            f"the URL of {host} contains more than scheme, host and port, such as "
            "http://127.0.0.1:8500. Give a token in token, token_file or CONSUL_HTTP_TOKEN"
        )
    if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise ConsulError(f"{url!r} is not a URL such as http://127.0.0.1:8500")
    bracketed = f"[{host}]" if ":" in host else host
    return parts.scheme, bracketed, port or (8501 if parts.scheme == "https" else 8500)


def _decode(attempt: str, code: int, body: str, with_token: bool) -> t.Any:
    """The decoded answer, or the error for its status."""
    text = body.strip()
    words = " ".join(text.split())
    if code == 403 and "ACL system must be bootstrapped" in text:
        raise NotBootstrapped(
            f"{attempt}: {words}. A server that has just started also reports this until it has "
            "caught up"
        )
    if code == 403:
        kind, remedy = _denial(text, with_token)
        raise kind(f"{attempt}: permission denied ({words}). {remedy}")
    if code == 400 and "HTTP request to an HTTPS server" in text:
        raise RequestRefused(
            f"{attempt}: the agent requires TLS on this port. Use https:// in 'url'"
        )
    # Autopilot reports an unhealthy cluster with status 429 and its full answer.
    if (400 <= code < 500 and code != 429) or (code == 500 and _INVALID_INPUT.match(text)):
        raise RequestRefused(f"{attempt}: refused with status {code}: {words}")
    if code >= 500:
        raise Unavailable(
            f"{attempt}: status {code}: {words}. Check the cluster with consul_cluster_status"
        )
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise ConsulError(f"{attempt}: the answer is not from Consul: {text[:80]!r}") from error


def _denial(text: str, with_token: bool) -> tuple[type[Forbidden], str]:
    """The error for a denied permission, and what to do about it."""
    if not with_token:
        return (
            Forbidden,
            "Give an ACL token with this permission in token, token_file or CONSUL_HTTP_TOKEN",
        )
    if "ACL not found" in text:
        return (
            TokenNotFound,
            "Consul does not know this ACL token: check it, or wait until it is replicated",
        )
    return Forbidden, "Grant the ACL token this permission"
