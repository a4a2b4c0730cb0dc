"""HTTP requests to a Consul agent over TCP, TLS or a Unix socket, with an ACL token."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import pathlib
import re
import socket
import ssl
import warnings
from collections.abc import Mapping
from typing import Any

import requests
import requests.adapters
import urllib3
import urllib3.connection

Response = requests.Response
# Any host name works: the adapter is bound to the socket's path.
_SOCKET_BASE = "http+unix://consul"


class HttpError(Exception):
    """No answer, or no token to send: the message is the cause."""


class TlsError(Exception):
    """The files for TLS cannot be used: the message is the cause."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """How to reach an agent; `url` begins with http, https, or unix and the socket's path.

    `token_file` has precedence over `token`. `auth` is `user:password` for a proxy.
    """

    url: str
    token: str = dataclasses.field(default="", repr=False)
    token_file: str = ""
    auth: str = dataclasses.field(default="", repr=False)
    tls_verify: bool = True
    tls_server_name: str = ""
    ca_file: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""


class ConsulHttp:
    """One agent and one persistent connection. `timeout` in seconds for each request."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        """Prepare the session; nothing is sent yet. TlsError where a certificate is invalid."""
        self._connection = connection
        self._timeout = timeout
        self._session = requests.Session()
        # The agent is on this host: no proxy, no .netrc, no REQUESTS_CA_BUNDLE.
        self._session.trust_env = False
        # A redirected PUT would arrive as a GET: with none allowed it is an error instead.
        self._session.max_redirects = 0
        self._base = connection.url
        if self._base.startswith("unix://"):
            self._session.mount("http+unix://", _Unix(self._base.removeprefix("unix://")))
            self._base = _SOCKET_BASE
        elif self._base.startswith("https://"):
            self._session.verify = connection.tls_verify
            adapter = _Tls(_context(connection), connection.tls_server_name)
            self._session.mount("https://", adapter)
        if connection.auth:
            user, _colon, password = connection.auth.partition(":")
            # requests encodes a str as Latin-1; this is UTF-8.
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._session.headers["Authorization"] = f"Basic {encoded}"

    def request(
        self, verb: str, path: str, body: Mapping[str, Any] | str | None = None
    ) -> Response:
        """The agent's answer, whatever its status; a mapping is sent as JSON."""
        data = json.dumps(body) if isinstance(body, Mapping) else body
        try:
            return self._session.request(
                verb, self._base + path, data=data, headers=self._headers(), timeout=self._timeout
            )
        # requests does not translate every error that urllib3 raises for an invalid host name.
        except (requests.RequestException, OSError, ValueError) as error:
            raise HttpError(_cause(error)) from error

    def token_fingerprint(self) -> str:
        """A digest of the token, empty without one; HttpError where it cannot be read."""
        try:
            token = self._token()
        except (OSError, ValueError) as error:
            raise HttpError(_cause(error)) from error
        return hashlib.sha256(token.encode()).hexdigest() if token else ""

    def _headers(self) -> dict[str, str]:
        token = self._token()
        return {"X-Consul-Token": token} if token else {}

    def _token(self) -> str:
        """The token; a file is read at each request, so a rotated token is used at once."""
        token = self._connection.token
        if self._connection.token_file:
            text = pathlib.Path(self._connection.token_file).read_text(encoding="utf-8")
            if not (token := text.strip()):
                raise OSError(f"{self._connection.token_file} is empty")
        if not re.fullmatch(r"[!-~]*", token):
            # The library would raise too, and put the token into the message.
            raise ValueError("the ACL token contains blanks or characters that are not allowed")
        return token


class _Connection(urllib3.connection.HTTPConnection):
    """HTTP over a Unix socket."""

    path = ""

    def _new_conn(self) -> socket.socket:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if isinstance(self.timeout, (int, float)):
                opened.settimeout(self.timeout)
            opened.connect(self.path)
        except OSError as error:
            opened.close()
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error
        return opened


class _Unix(requests.adapters.HTTPAdapter):
    """A pool of connections to one socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = urllib3.HTTPConnectionPool("consul", maxsize=10)
        self._pool.ConnectionCls = type("_At", (_Connection,), {"path": path})

    def get_connection_with_tls_context(
        self, *_arguments: Any, **_options: Any
    ) -> urllib3.HTTPConnectionPool:
        """The pool, whatever the URL is."""
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _proxies: Any) -> str:
        """The path of the request line."""
        return request.path_url

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Tls(requests.adapters.HTTPAdapter):
    """HTTPS with our own context, and the name that the certificate must have."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._context = context
        self._server_name = server_name
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Use the context for every connection."""
        options["ssl_context"] = self._context
        if self._server_name:
            options["server_hostname"] = options["assert_hostname"] = self._server_name
        super().init_poolmanager(*args, **options)

    def cert_verify(self, *_arguments: Any) -> None:
        """Nothing to do: the context has the certificates."""


def _context(connection: Connection) -> ssl.SSLContext:
    """The trusted CAs and the client certificate, with the options of Consul's own tools."""
    try:
        if connection.ca_file:
            context = ssl.create_default_context(cafile=connection.ca_file)
        elif connection.ca_path:
            # As in Consul: every file of the folder, whatever its name.
            texts = [
                path.read_text(encoding="ascii")
                for path in sorted(pathlib.Path(connection.ca_path).iterdir())
                if path.is_file()
            ]
            context = ssl.create_default_context(cadata="\n".join(texts))
        else:
            context = ssl.create_default_context()
        if connection.client_cert:
            context.load_cert_chain(connection.client_cert, connection.client_key)
    except (OSError, ValueError) as error:
        raise TlsError(str(error)) from error
    if not connection.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Disabled on purpose by a setting: no warning at each request.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return context


def _cause(error: BaseException) -> str:
    """The message of the root cause.

    The libraries wrap it three times, and some versions add the address of an object, so that the
    same outage would have another message each time.
    """
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__
