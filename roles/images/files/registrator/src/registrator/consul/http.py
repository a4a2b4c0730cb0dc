"""The way to a Consul agent: HTTP, TLS or a socket, with a token, and its answers as errors."""

from __future__ import annotations

import base64
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

from ..domain.interfaces import AwayError, RefusedError, RegistryError
from ..domain.settings import FatalError, Settings

# Any name does: the socket's path says where it leads.
_SOCKET_BASE = "http+unix://consul"
# These say that this one body or identifier is at fault; all others, that nothing works now.
_ONE_IS_REFUSED = {400, 403, 404, 405, 409, 413, 422}


class ConsulHttp:
    """One agent, one connection that is kept. `timeout` in seconds for each request."""

    def __init__(self, settings: Settings, timeout: float) -> None:
        """Prepare the connection; nothing is sent yet. FatalError where a certificate is none."""
        self.url = settings.registry
        self._settings = settings
        self._timeout = timeout
        self._session = requests.Session()
        # The agent is this host's own: no proxy, no .netrc, no REQUESTS_CA_BUNDLE in between.
        self._session.trust_env = False
        # A redirected PUT would arrive as a GET: with none allowed it is an error instead.
        self._session.max_redirects = 0
        self._base = self.url
        if self.url.startswith("unix://"):
            self._base = _SOCKET_BASE
            self._session.mount("http+unix://", _Unix(self.url.removeprefix("unix://")))
        elif self.url.startswith("https://"):
            self._session.verify = settings.tls_verify
            self._session.mount("https://", _Tls(_context(settings), settings.tls_server_name))
        if settings.auth:
            user, _colon, password = settings.auth.partition(":")
            # Latin-1 is all that requests makes of a text; bytes are sent as they are.
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._session.headers["Authorization"] = f"Basic {encoded}"

    def get(self, path: str) -> Any:
        """The agent's answer as JSON; RegistryError where there is none."""
        return self._json(self._send("GET", path), path)

    def get_or_none(self, path: str) -> Any:
        """The agent's answer as JSON, None where it knows nothing of the kind."""
        answer = self._send("GET", path)
        return None if answer.status_code == 404 else self._json(answer, path)

    def put(self, path: str, body: Mapping[str, Any] | str | None = None) -> None:
        """Have something done; RefusedError for this one thing, RegistryError for everything."""
        self._done(self._send("PUT", path, body))

    def put_or_gone(self, path: str) -> None:
        """Have something done to what may be gone already."""
        answer = self._send("PUT", path)
        if answer.status_code != 404:
            self._done(answer)

    def delete(self, path: str) -> None:
        """Delete something."""
        self._done(self._send("DELETE", path))

    def _send(
        self, verb: str, path: str, body: Mapping[str, Any] | str | None = None
    ) -> requests.Response:
        data = json.dumps(body) if isinstance(body, Mapping) else body
        try:
            return self._session.request(
                verb, self._base + path, data=data, headers=self._headers(), timeout=self._timeout
            )
        # Of what urllib3 raises for a host name that cannot be one, requests translates only most.
        except (requests.RequestException, OSError, ValueError) as error:
            raise AwayError(f"Consul at {self.url}: {_cause(error)}") from error

    def _json(self, answer: requests.Response, path: str) -> Any:
        if answer.status_code >= 300:
            # A server knows no token until its peers have told it what happened meanwhile.
            kind = AwayError if "must be bootstrapped" in answer.text else RegistryError
            raise kind(f"Consul at {self.url}: {_problem(answer)}")
        try:
            return answer.json()
        except ValueError as error:
            raise RegistryError(f"Consul at {self.url}: {path} is no JSON: {error}") from error

    def _done(self, answer: requests.Response) -> None:
        # An agent that allows no script checks says so with a status of its own failures.
        scripts = answer.status_code == 500 and "Scripts are disabled" in answer.text
        if answer.status_code in _ONE_IS_REFUSED or scripts:
            raise RefusedError(_problem(answer))
        if answer.status_code >= 300:
            raise RegistryError(f"Consul at {self.url}: {_problem(answer)}")

    def seal(self) -> str:
        """A digest of the token, empty without one; RegistryError where it cannot be read."""
        try:
            token = self._token()
        except (OSError, ValueError) as error:
            raise RegistryError(f"Consul at {self.url}: {_cause(error)}") from error
        return hashlib.sha256(token.encode()).hexdigest() if token else ""

    def _headers(self) -> dict[str, str]:
        """The token's header."""
        token = self._token()
        return {"X-Consul-Token": token} if token else {}

    def _token(self) -> str:
        """The token; a file is read anew each time, so a rotated one counts at once."""
        token = self._settings.token
        if self._settings.token_file:
            text = pathlib.Path(self._settings.token_file).read_text(encoding="utf-8")
            if not (token := text.strip()):
                raise OSError(f"{self._settings.token_file} is empty")
        if not re.fullmatch(r"[!-~]*", token):
            # The library would say so too, and put the token into the log.
            raise ValueError("the ACL token has blanks or characters that no token has")
        return token


class _Connection(urllib3.connection.HTTPConnection):
    """HTTP through a socket in the file system."""

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
    """One pool of connections to one socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = urllib3.HTTPConnectionPool("consul", maxsize=10)
        self._pool.ConnectionCls = type("_At", (_Connection,), {"path": path})

    def get_connection_with_tls_context(
        self, *_arguments: Any, **_options: Any
    ) -> urllib3.HTTPConnectionPool:
        """The pool, whatever the address says."""
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _proxies: Any) -> str:
        """What stands in the request's first line."""
        return request.path_url

    def close(self) -> None:
        """Close what is open."""
        self._pool.close()


class _Tls(requests.adapters.HTTPAdapter):
    """HTTPS with a context of our own, and the name the certificate must bear."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._context = context
        self._server_name = server_name
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Hand the context to every connection."""
        options["ssl_context"] = self._context
        if self._server_name:
            options["server_hostname"] = options["assert_hostname"] = self._server_name
        super().init_poolmanager(*args, **options)

    def cert_verify(self, *_arguments: Any) -> None:
        """Nothing to add: the context knows the certificates."""


def _context(settings: Settings) -> ssl.SSLContext:
    """The authorities that are trusted and the certificate that is shown, as Consul's tools do."""
    try:
        if settings.ca_file:
            context = ssl.create_default_context(cafile=settings.ca_file)
        elif settings.ca_path:
            # As Consul does it: every file of the folder, whatever its name.
            texts = [
                path.read_text(encoding="ascii")
                for path in sorted(pathlib.Path(settings.ca_path).iterdir())
                if path.is_file()
            ]
            context = ssl.create_default_context(cadata="\n".join(texts))
        else:
            context = ssl.create_default_context()
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert, settings.client_key)
    except (OSError, ValueError) as error:
        raise FatalError(f"Cannot set up TLS for {settings.registry}: {error}") from error
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Said once, at the start, by whoever set the variable: not at each request.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return context


def _cause(error: BaseException) -> str:
    """The first of the errors that led here, in the system's own words.

    The libraries wrap it thrice, and some of their versions add an object's address: the daemon
    would take the same outage for another one each time.
    """
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__


def _problem(answer: requests.Response) -> str:
    """Its status and its words; without a guess at their encoding, which takes its time."""
    return f"{answer.status_code} {answer.content[:500].decode(errors='replace').strip()}"
