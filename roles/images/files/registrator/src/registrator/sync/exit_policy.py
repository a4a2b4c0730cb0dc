"""Whether a service leaves with its container: -deregister=always or on-success."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from ..backoff import Patience
from ..domain.interfaces import ContainerSource, SourceError
from ..domain.model import Registered
from ..domain.plan import container_of
from ..log_once import Telling


def succeeded(code: int | None) -> bool:
    """Whether a container is gone, ended with 0, or was ended by a signal (bit 128)."""
    return code is None or code == 0 or bool(code & 128)


@dataclasses.dataclass
class Exits:
    """With `on_success`, what ended in failure stays registered, so that its check alarms."""

    source: ContainerSource
    on_success: bool
    patience: Patience
    telling: Telling

    def release(self, entry: Registered, here: Collection[str], now: float) -> bool:
        """Whether a service may be deregistered; `here` are the containers that still run.

        An engine that does not tell releases nobody.
        """
        container = container_of(entry)
        if not self.on_success or not container or container in here:
            return True
        key = ("exit", container)
        if not self.patience.ready(key, now):
            return False
        try:
            code = self.source.exit_code(container)
        except SourceError as error:
            self.patience.fail(key, now)
            self.telling.once("kept", container, f"{entry.id}: {error}")
            return False
        self.patience.forget(key)
        if not succeeded(code):
            self.telling.once("kept", container, f"{entry.id}: it ended with {code}")
        return succeeded(code)
