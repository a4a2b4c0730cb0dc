"""One desk at which everything was made from nothing, and the stories that begin where it ended."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from . import stories
from .desk import Desk, Told

Futures = dict[Callable[..., Any], "concurrent.futures.Future[Any]"]


@dataclasses.dataclass(frozen=True)
class Beginning:
    """A dry run on nothing, whether that left anything, and the first run."""

    desk: Desk
    predicted: Told
    left: bool
    made: Told


@pytest.fixture(scope="session")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Beginning:
    """What three hosts need, made once, and beside it the dry run."""
    dry, desk = (Desk(tmp_path_factory.mktemp(name)) for name in ("dry", "beginning"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        predicted, made = pool.submit(dry.run, "--check"), pool.submit(desk.run)
        return Beginning(desk, predicted.result(), dry.secrets.exists(), made.result())


@pytest.fixture(scope="session", name="_told")
def _told_fixture(
    beginning: Beginning, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Futures]:
    """All stories, two at a time: each is a row of runs that wait for one another."""
    assert beginning.made.right, beginning.made.output
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {
            **{
                tell: pool.submit(tell, beginning.desk.like())
                for tell in (stories.rotation, stories.renewal, stories.vault)
            },
            **{
                tell: pool.submit(tell, tmp_path_factory.mktemp(tell.__name__))
                for tell in (stories.own_authority, stories.elsewhere, stories.refusals)
            },
        }


@pytest.fixture(scope="session")
def rotation(_told: Futures) -> stories.Rotation:
    """Everything is rotated, the CA in its three steps."""
    found: stories.Rotation = _told[stories.rotation].result()
    return found


@pytest.fixture(scope="session")
def renewal(_told: Futures) -> stories.Stage:
    """A certificate ends soon, one lacks an address, one is of another key."""
    found: stories.Stage = _told[stories.renewal].result()
    return found


@pytest.fixture(scope="session")
def vault(_told: Futures) -> stories.Vault:
    """Keys are encrypted, and one is missing."""
    found: stories.Vault = _told[stories.vault].result()
    return found


@pytest.fixture(scope="session")
def own_authority(_told: Futures) -> stories.OwnAuthority:
    """Somebody brings a CA and its key."""
    found: stories.OwnAuthority = _told[stories.own_authority].result()
    return found


@pytest.fixture(scope="session")
def elsewhere(_told: Futures) -> stories.Elsewhere:
    """Somebody brings a CA without its key."""
    found: stories.Elsewhere = _told[stories.elsewhere].result()
    return found


@pytest.fixture(scope="session")
def refusals(_told: Futures) -> dict[str, Told]:
    """What is refused, by what is wrong."""
    found: dict[str, Told] = _told[stories.refusals].result()
    return found
