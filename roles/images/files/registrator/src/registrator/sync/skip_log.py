"""Logs what is skipped and why, once for each container and reason."""

from __future__ import annotations

import logging
from collections.abc import Collection

from rollcall_common.log_once import LogOnce


class SkipLog:
    """The log of the services that are kept, and of the containers that are ignored or unread."""

    def __init__(self) -> None:
        """Nothing was logged yet."""
        self._once = LogOnce(logging.getLogger("registrator").info)

    def __call__(self, kind: str, container: str, reason: str) -> bool:
        """Log it unless it was logged before; whether it was new."""
        return self._once((kind, container, reason), f"{kind}: {container} {reason}")

    def retain(self, containers: Collection[str]) -> None:
        """Forget the reasons of all other containers."""
        self._once.retain(lambda key: key[1] in containers)
