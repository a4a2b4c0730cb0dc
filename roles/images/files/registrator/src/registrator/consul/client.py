"""Requests to the agent with the outcomes that the registries distinguish."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rollcall_common.consul_http import Agent, Answer, ConsulHttp, Tls, TlsError, Unreachable

from ..domain.interfaces import AwayError, RefusedError, RegistryError
from ..domain.settings import FatalError, Settings

# The statuses that concern this one body or identifier; all others mean that nothing works now.
_REFUSED = {400, 403, 404, 405, 409, 413, 422}


class ConsulClient:
    """The agent of the settings. `timeout` in seconds for each request."""

    def __init__(self, settings: Settings, timeout: float) -> None:
        """Prepare the connection; nothing is sent yet. FatalError where TLS cannot be set up."""
        self.url = settings.registry
        tls = Tls(
            ca_file=settings.ca_file,
            ca_path=settings.ca_path,
            client_cert=settings.client_cert,
            client_key=settings.client_key,
            server_name=settings.tls_server_name,
            verify=settings.tls_verify,
        )
        agent = Agent(self.url, settings.token, settings.token_file, settings.auth, tls)
        try:
            self._http = ConsulHttp(agent, timeout)
        except TlsError as error:
            raise FatalError(str(error)) from error

    def get(self, path: str) -> Any:
        """The JSON of the answer; RegistryError for any other answer."""
        return self._json(self._send("GET", path), path)

    def get_or_none(self, path: str) -> Any:
        """The JSON of the answer, None where nothing is found."""
        answer = self._send("GET", path)
        return None if answer.status == 404 else self._json(answer, path)

    def put(self, path: str, body: Mapping[str, Any] | str | None = None) -> None:
        """Send a PUT; RefusedError where this one is refused, RegistryError for an outage."""
        self._require_success(self._send("PUT", path, body))

    def put_allow_missing(self, path: str) -> None:
        """Send a PUT for something that may be gone already."""
        answer = self._send("PUT", path)
        if answer.status != 404:
            self._require_success(answer)

    def delete(self, path: str) -> None:
        """Send a DELETE."""
        self._require_success(self._send("DELETE", path))

    def token_fingerprint(self) -> str:
        """A digest of the token, empty without one; RegistryError where it cannot be read."""
        try:
            return self._http.token_fingerprint()
        except Unreachable as error:
            raise RegistryError(f"Consul at {self.url}: {error}") from error

    def _send(self, verb: str, path: str, body: Mapping[str, Any] | str | None = None) -> Answer:
        data = json.dumps(body) if isinstance(body, Mapping) else body
        try:
            return self._http.request(verb, path, data)
        except Unreachable as error:
            raise AwayError(f"Consul at {self.url}: {error}") from error

    def _json(self, answer: Answer, path: str) -> Any:
        if answer.status >= 300:
            # A server that has just started knows no token until it has caught up with its peers.
            kind = AwayError if "must be bootstrapped" in answer.text else RegistryError
            raise kind(f"Consul at {self.url}: {answer.problem}")
        try:
            return answer.json()
        except ValueError as error:
            raise RegistryError(f"Consul at {self.url}: {path} is not JSON: {error}") from error

    def _require_success(self, answer: Answer) -> None:
        # An agent with script checks disabled answers 500 for a body that it refuses.
        scripts = answer.status == 500 and "Scripts are disabled" in answer.text
        if answer.status in _REFUSED or scripts:
            raise RefusedError(answer.problem)
        if answer.status >= 300:
            raise RegistryError(f"Consul at {self.url}: {answer.problem}")
