"""HTTP to a Consul agent: TCP, TLS or a Unix socket, the ACL token, and blocking queries."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import pathlib
import re
import socket
import ssl
import warnings
import weakref
from collections.abc import Mapping
from typing import Any

import urllib3
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions
import urllib3.util

from .json_text import decoded
from .unix_http import UnixPool


class Unreachable(Exception):
    """No answer came, or no request could be sent; the message is the first cause."""


class TlsError(Exception):
    """A certificate, a key or an authority cannot be used."""


@dataclasses.dataclass(frozen=True)
class Tls:
    """Which certificates are trusted and shown, with the meaning of Consul's own tools.

    `ca_path` is a folder of which every file is read; `server_name` replaces the URL's host in
    the certificate of the agent.
    """

    ca_file: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    server_name: str = ""
    verify: bool = True


@dataclasses.dataclass(frozen=True)
class Agent:
    """Where an agent is: `http://`, `https://` or `unix://`, and how a client authenticates.

    `token_file` comes before `token`. `auth` is `user:password` for a proxy with basic
    authentication.
    """

    url: str
    token: str = dataclasses.field(default="", repr=False)
    token_file: str = ""
    auth: str = dataclasses.field(default="", repr=False)
    tls: Tls = Tls()


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer of any status."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The beginning of the body, enough for a message."""
        return self.content[:500].decode(errors="replace").strip()

    @property
    def problem(self) -> str:
        """The status and what the body says."""
        return f"{self.status} {self.text}"

    @property
    def index(self) -> int:
        """The index for the next blocking query, 0 where the answer has none."""
        return int(self.headers.get("X-Consul-Index") or 0)

    @property
    def filtered(self) -> bool:
        """Whether ACLs have removed something from the answer."""
        return self.headers.get("X-Consul-Results-Filtered-By-ACLs", "").lower() == "true"

    def json(self) -> Any:
        """The body; ValueError where it is not JSON."""
        return decoded(self.content)


class _Known:
    """A connection that is in a set while it is open."""

    known: weakref.WeakSet[Any]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # it is the first base of a connection's class
        self.known.add(self)


class ConsulHttp:
    """One agent, for any number of threads; connections are kept and reused."""

    def __init__(self, agent: Agent, timeout: float) -> None:
        """Nothing is sent yet; `timeout` in seconds is for each step of a request. TlsError."""
        self._agent = agent
        self._timeout = timeout
        on_socket = agent.url.startswith("unix://")
        path = "" if on_socket else urllib3.util.parse_url(agent.url).path
        self._prefix = (path or "").rstrip("/")
        self._open: weakref.WeakSet[urllib3.connection.HTTPConnection] = weakref.WeakSet()
        self._closed = False
        self._pool: urllib3.HTTPConnectionPool | None = self._new_pool()

    def request(self, method: str, path: str, body: str | None = None) -> Answer:
        """The answer to a request, which is sent once. Unreachable where none came.

        A redirection is an answer as well: a PUT that follows one would become a GET.
        """
        try:
            if self._closed:
                raise OSError("the connection to Consul is closed")
            pool = self._pool or self._new_pool()
            answer = pool.request(
                method,
                self._prefix + path,
                body=None if body is None else body.encode(),
                headers=self._headers(),
                timeout=self._timeout,
                redirect=False,
            )
        # A host name that cannot be one is a ValueError of the library's.
        except (urllib3.exceptions.HTTPError, OSError, ValueError, TlsError) as error:
            if self._agent.url.startswith("https://"):
                # The CA may have been rotated: the next request reads the files again.
                self._pool = None
            raise Unreachable(cause(error)) from error
        self._pool = pool
        return Answer(answer.status, answer.data, answer.headers)

    def token_fingerprint(self) -> str:
        """A digest of the token, empty without one; Unreachable where it cannot be read."""
        try:
            token = self._token()
        except (OSError, ValueError) as error:
            raise Unreachable(cause(error)) from error
        return hashlib.sha256(token.encode()).hexdigest() if token else ""

    def close(self) -> None:
        """Close the connections; a request of another thread, and each that follows, fails."""
        self._closed = True
        for each in tuple(self._open):
            # A method of SSLSocket's own would free what the other thread uses.
            with contextlib.suppress(OSError):
                if isinstance(each.sock, socket.socket):
                    socket.socket.shutdown(each.sock, socket.SHUT_RDWR)
        if self._pool is not None:
            self._pool.close()

    def _new_pool(self) -> urllib3.HTTPConnectionPool:
        pool = self._pool_of_the_url()
        pool.ConnectionCls = type("_Known", (_Known, pool.ConnectionCls), {"known": self._open})
        return pool

    def _pool_of_the_url(self) -> urllib3.HTTPConnectionPool:
        url, tls = self._agent.url, self._agent.tls
        # More connections than any of the programs has threads.
        options: dict[str, Any] = {"maxsize": 10, "retries": False}
        if url.startswith("unix://"):
            return UnixPool(url.removeprefix("unix://"), "consul", **options)
        if url.startswith("https://"):
            options["ssl_context"] = _context(self._agent)
            if tls.server_name:
                options["server_hostname"] = options["assert_hostname"] = tls.server_name
        return urllib3.connectionpool.connection_from_url(url, **options)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "gzip"}
        if self._agent.auth:
            user, _colon, password = self._agent.auth.partition(":")
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {encoded}"
        if token := self._token():
            headers["X-Consul-Token"] = token
        return headers

    def _token(self) -> str:
        """The token. A file is read for each request: a rotated token is used at once."""
        token = self._agent.token
        if self._agent.token_file:
            text = pathlib.Path(self._agent.token_file).read_text(encoding="utf-8")
            if not (token := text.strip()):
                raise OSError(f"{self._agent.token_file} is empty")
        if not re.fullmatch(r"[!-~]*", token):
            # The library's own error would show the token.
            raise ValueError("the ACL token has blanks or characters that no token has")
        return token


def cause(error: BaseException) -> str:
    """The first of the errors that led here, in the system's own words.

    The library wraps it, and adds an object's address: the same outage would look like another
    one at each attempt.
    """
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__


def _context(agent: Agent) -> ssl.SSLContext:
    tls = agent.tls
    try:
        if tls.ca_file:
            context = ssl.create_default_context(cafile=tls.ca_file)
        elif tls.ca_path:
            # As Consul does it: every file of the folder, whatever its name.
            texts = [
                path.read_text(encoding="ascii")
                for path in sorted(pathlib.Path(tls.ca_path).iterdir())
                if path.is_file()
            ]
            context = ssl.create_default_context(cadata="\n".join(texts))
        else:
            context = ssl.create_default_context()
        if tls.client_cert:
            context.load_cert_chain(tls.client_cert, tls.client_key)
    except (OSError, ValueError) as error:
        raise TlsError(f"Cannot set up TLS for {agent.url}: {error}") from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Turned off by a setting: the library would warn at each request.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return context
