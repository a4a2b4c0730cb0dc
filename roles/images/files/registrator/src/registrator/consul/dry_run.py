"""A registry that is read and not written: what would have been written is told instead."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..domain.interfaces import ServiceRegistry
from ..domain.model import Registered


class DryRun:
    """Stands before a registry; `tell` is given one line for each change that is not made."""

    def __init__(self, registry: ServiceRegistry, tell: Callable[[str], None]) -> None:
        """Nothing is told yet."""
        self._registry = registry
        self._tell = tell
        # Several threads register; no two of their lines may run into each other.
        self._lock = threading.Lock()
        self.changes = 0

    def leader(self) -> str:
        """The registry's own: this is read."""
        return self._registry.leader()

    def seal(self) -> str:
        """The registry's own: it decides what would be registered."""
        return self._registry.seal()

    def services(self) -> Mapping[str, Registered]:
        """What is registered: this is read."""
        return self._registry.services()

    def states(self) -> Mapping[str, str]:
        """Nothing: what a check says changes no service."""
        return {}

    def register(self, body: Mapping[str, Any]) -> None:
        """Tell of a service that would be registered."""
        self._change(f"register {body['ID']} {json.dumps(body, sort_keys=True)}")

    def deregister(self, service_id: str) -> None:
        """Tell of a service that would be deregistered."""
        self._change(f"deregister {service_id}")

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Nothing: a report on a check changes no service."""

    def _change(self, line: str) -> None:
        with self._lock:
            self.changes += 1
            self._tell(line)
