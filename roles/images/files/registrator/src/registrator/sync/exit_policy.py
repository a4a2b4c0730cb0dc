"""Whether a service is deregistered when its container ends: -deregister=always or on-success."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from rollcall_common.backoff import KeyedBackoff

from ..domain.interfaces import ContainerSource, SourceError
from ..domain.model import Registered
from ..domain.plan import container_of
from .skip_log import SkipLog


def succeeded(code: int | None) -> bool:
    """Whether a container is gone, exited with 0, or was ended by a signal (bit 128)."""
    return code is None or code == 0 or bool(code & 128)


@dataclasses.dataclass
class ExitPolicy:
    """With `on_success` the services of failed containers stay, so that their checks alarm."""

    source: ContainerSource
    on_success: bool
    backoff: KeyedBackoff
    skip_log: SkipLog

    def may_deregister(self, entry: Registered, running: Collection[str], now: float) -> bool:
        """Whether a service may be deregistered; `running` are the containers that still run.

        While the exit code is unknown, the service stays.
        """
        container = container_of(entry)
        if not self.on_success or not container or container in running:
            return True
        key = ("exit", container)
        if not self.backoff.ready(key, now):
            return False
        try:
            code = self.source.exit_code(container)
        except SourceError as error:
            self.backoff.fail(key, now)
            self.skip_log("kept", container, f"{entry.id}: {error}")
            return False
        self.backoff.forget(key)
        if not succeeded(code):
            self.skip_log("kept", container, f"{entry.id}: exit code {code}")
        return succeeded(code)
