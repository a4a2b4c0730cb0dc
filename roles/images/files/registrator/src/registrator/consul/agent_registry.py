"""This host's Consul agent as a service registry."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from ..domain.interfaces import RegistryError
from ..domain.model import Registered
from .http import ConsulHttp


class ConsulRegistry:
    """The services of one agent."""

    def __init__(self, agent: ConsulHttp) -> None:
        """Remember the agent; nothing is sent yet."""
        self._agent = agent

    def services(self) -> Mapping[str, Registered]:
        """What the agent has, by identifier."""
        found = self._agent.get("/v1/agent/services")
        try:
            return {key: _registered(entry) for key, entry in found.items()}
        except (AttributeError, KeyError, TypeError) as error:
            raise RegistryError(f"Consul at {self._agent.url} lists no services") from error

    def states(self) -> Mapping[str, str]:
        """What the agent itself has found out, whether the catalog knows or not."""
        found: dict[str, list[str]] = {}
        checks = self._agent.get("/v1/agent/checks")
        try:
            for key, check in sorted(checks.items()):
                if check.get("ServiceID"):
                    found.setdefault(check["ServiceID"], []).append(f"{key} {check['Status']}")
        except (AttributeError, KeyError, TypeError) as error:
            raise RegistryError(f"Consul at {self._agent.url} lists no checks") from error
        return {key: ", ".join(words) for key, words in found.items()}

    def seal(self) -> str:
        """A digest of the token; nobody can guess what a random one was."""
        return self._agent.seal()

    def leader(self) -> str:
        """The cluster's leader as the agent knows it, empty without one."""
        return str(self._agent.get("/v1/status/leader"))

    def register(self, body: Mapping[str, Any]) -> None:
        """Register a service, with its checks in place of those it had."""
        self._agent.put("/v1/agent/service/register?replace-existing-checks=true", body)

    def deregister(self, service_id: str) -> None:
        """Deregister a service; one that the agent does not know is gone already."""
        self._agent.put_or_gone(f"/v1/agent/service/deregister/{_quoted(service_id)}")

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Report a TTL check: `status` is passing, warning or critical."""
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
