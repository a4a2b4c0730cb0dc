"""This host's Consul agent as a service registry, over its HTTP API."""

from __future__ import annotations

import json
import pathlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

import requests

from .model import Registered
from .ports import RefusedError, RegistryError


class ConsulRegistry:
    """One agent, one connection that is kept. `timeout` in seconds for each request."""

    def __init__(self, url: str, token: str, token_file: str, timeout: float) -> None:
        """Remember the address; nothing is sent yet. A token file is read anew for each request."""
        self._url = url
        self._token = token
        self._token_file = token_file
        self._timeout = timeout
        self._session = requests.Session()

    def services(self) -> Mapping[str, Registered]:
        """What the agent has, by identifier."""
        found = self._send("GET", "/v1/agent/services").json()
        return {
            key: Registered(
                id=entry["ID"],
                name=entry["Service"],
                address=entry.get("Address", ""),
                port=entry.get("Port", 0),
                tags=tuple(entry.get("Tags") or ()),
                meta=entry.get("Meta") or {},
            )
            for key, entry in found.items()
        }

    def leader(self) -> str:
        """The cluster's leader as the agent knows it, empty without one: the start-up ping."""
        return str(self._send("GET", "/v1/status/leader").json())

    def register(self, body: Mapping[str, Any]) -> None:
        """Register a service, with its checks in place of those it had."""
        self._send("PUT", "/v1/agent/service/register?replace-existing-checks=true", body)

    def deregister(self, service_id: str) -> None:
        """Deregister a service; one that the agent does not know is gone already."""
        quoted = urllib.parse.quote(service_id, safe=":")
        try:
            self._send("PUT", f"/v1/agent/service/deregister/{quoted}")
        except RefusedError as error:
            if "404" not in str(error):
                raise RegistryError(str(error)) from error

    def _send(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        try:
            answer = self._session.request(
                verb,
                self._url + path,
                data=None if body is None else json.dumps(body),
                headers=self._headers(),
                timeout=self._timeout,
            )
        except (requests.RequestException, OSError) as error:
            raise RegistryError(f"Consul at {self._url}: {error}") from error
        if answer.status_code >= 500:
            raise RegistryError(
                f"Consul at {self._url}: {answer.status_code} {answer.text.strip()}"
            )
        if answer.status_code >= 400:
            problem = f"{answer.status_code} {answer.text.strip()}"
            raise RefusedError(problem) if verb == "PUT" else RegistryError(problem)
        return answer

    def _headers(self) -> dict[str, str]:
        token = self._token
        if self._token_file:
            token = pathlib.Path(self._token_file).read_text(encoding="utf-8").strip()
        return {"X-Consul-Token": token} if token else {}
