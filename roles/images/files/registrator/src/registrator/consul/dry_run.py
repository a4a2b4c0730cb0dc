"""A registry that is read only: the writes are printed instead."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..domain.interfaces import ServiceRegistry
from ..domain.model import Registered


class DryRun:
    """Wraps a registry; `write_line` is called for each change that would be made."""

    def __init__(self, registry: ServiceRegistry, write_line: Callable[[str], None]) -> None:
        """No changes yet."""
        self._registry = registry
        self._write_line = write_line
        # Several threads register: their lines must not interleave.
        self._lock = threading.Lock()
        self.changes = 0

    def leader(self) -> str:
        """Read from the registry."""
        return self._registry.leader()

    def token_fingerprint(self) -> str:
        """Read from the registry: it affects what would be registered."""
        return self._registry.token_fingerprint()

    def services(self) -> Mapping[str, Registered]:
        """Read from the registry."""
        return self._registry.services()

    def check_states(self) -> Mapping[str, str]:
        """Empty: the state of a check changes no service."""
        return {}

    def register(self, body: Mapping[str, Any]) -> None:
        """Print a service that would be registered."""
        self._change(f"register {body['ID']} {json.dumps(body, sort_keys=True)}")

    def deregister(self, service_id: str) -> None:
        """Print a service that would be deregistered."""
        self._change(f"deregister {service_id}")

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Nothing to do: the update of a check changes no service."""

    def _change(self, line: str) -> None:
        with self._lock:
            self.changes += 1
            self._write_line(line)
