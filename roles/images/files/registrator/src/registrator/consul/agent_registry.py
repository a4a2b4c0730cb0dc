"""The service registry in this host's Consul agent."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from ..domain.interfaces import RegistryError
from ..domain.model import Registered
from .client import ConsulClient


class AgentRegistry:
    """The services of one agent."""

    def __init__(self, agent: ConsulClient) -> None:
        """Remember the agent; nothing is sent yet."""
        self._agent = agent

    def services(self) -> Mapping[str, Registered]:
        """The agent's services by identifier."""
        found = self._agent.get("/v1/agent/services")
        try:
            return {key: _registered(entry) for key, entry in found.items()}
        except (AttributeError, KeyError, TypeError) as error:
            raise RegistryError(f"Consul at {self._agent.url} did not list its services") from error

    def check_states(self) -> Mapping[str, str]:
        """The agent's own check states, whether they are synced to the catalog or not."""
        found: dict[str, list[str]] = {}
        checks = self._agent.get("/v1/agent/checks")
        try:
            for key, check in sorted(checks.items()):
                if check.get("ServiceID"):
                    found.setdefault(check["ServiceID"], []).append(f"{key} {check['Status']}")
        except (AttributeError, KeyError, TypeError) as error:
            raise RegistryError(f"Consul at {self._agent.url} did not list its checks") from error
        return {key: ", ".join(states) for key, states in found.items()}

    def token_fingerprint(self) -> str:
        """A digest of the token: a random token cannot be guessed from it."""
        return self._agent.token_fingerprint()

    def leader(self) -> str:
        """The cluster's leader as the agent knows it, empty without one."""
        return str(self._agent.get("/v1/status/leader"))

    def register(self, body: Mapping[str, Any]) -> None:
        """Register a service and replace its checks."""
        self._agent.put("/v1/agent/service/register?replace-existing-checks=true", body)

    def deregister(self, service_id: str) -> None:
        """Deregister a service; an unknown one is gone already."""
        self._agent.put_allow_missing(f"/v1/agent/service/deregister/{_quoted(service_id)}")

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Update a TTL check: `status` is passing, warning or critical."""
        body = {"Status": status, "Output": output}
        self._agent.put(f"/v1/agent/check/update/{_quoted(check_id)}", body)


def _registered(entry: Mapping[str, Any]) -> Registered:
    return Registered(
        id=entry["ID"],
        name=entry["Service"],
        address=entry.get("Address", ""),
        port=entry.get("Port", 0),
        tags=tuple(entry.get("Tags") or ()),
        meta=entry.get("Meta") or {},
    )


def _quoted(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe=":")
