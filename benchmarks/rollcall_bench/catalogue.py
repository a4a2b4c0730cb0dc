"""The Consul that a measurement has to itself."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

from rollcall_agents.agent import Agent
from rollcall_agents.clusters import server


@contextlib.contextmanager
def scratch() -> Iterator[pathlib.Path]:
    """A folder that containers may read, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="balancer-bench-") as made:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def consul(*words: str) -> Iterator[tuple[Agent, pathlib.Path]]:
    """A server with nothing in it, and a folder that containers may read; both end with it."""
    with scratch() as folder:
        agent = server("bench", folder, "-bootstrap-expect=1", *words)
        try:
            agent.start()
            yield agent, folder
        finally:
            agent.kill()
