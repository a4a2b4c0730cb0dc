"""One desk at which everything was made from nothing, and the stories that begin where it ended."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import fcntl
import pathlib
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from . import stories
from .desk import Desk, Told

Pool = concurrent.futures.ThreadPoolExecutor
Future = concurrent.futures.Future


@dataclasses.dataclass(frozen=True)
class Beginning:
    """A dry run on nothing, whether that left anything, and the first run."""

    desk: Desk
    predicted: Told
    left: bool
    made: Told

    @classmethod
    def told(cls, folder: pathlib.Path) -> Beginning:
        """What three hosts need, made at one desk, and beside it the dry run at another."""
        dry, desk = (Desk(folder / name) for name in ("dry", "made"))
        with Pool(2) as pool:
            predicted, made = pool.submit(dry.run, "--check"), pool.submit(desk.run)
            return cls(desk, predicted.result(), dry.secrets.exists(), made.result())


@pytest.fixture(scope="session")
def beginning(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Beginning:
    """Made once: whichever of xdist's workers needs it first makes it for all of them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "beginning"
    folder.mkdir(exist_ok=True)
    kept = folder / "told"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            # A folder of its own: one that failed has left what it made.
            kept.write_bytes(pickle.dumps(Beginning.told(folder / worker_id)))
    found: Beginning = pickle.loads(kept.read_bytes())
    return found


@pytest.fixture(scope="session", name="_pool")
def _two_at_a_time() -> Iterator[Pool]:
    """Who tells stories: each is a row of runs that wait for one another."""
    with Pool(2) as pool:
        yield pool


# What begins where the beginning ended


@pytest.fixture(scope="session", name="_changes")
def _changes(beginning: Beginning, _pool: Pool) -> dict[str, Future[Any]]:
    """The stories of what is there already."""
    assert beginning.made.right, beginning.made.output
    told = (stories.rotation, stories.renewal, stories.vault)
    return {tell.__name__: _pool.submit(tell, beginning.desk.like()) for tell in told}


@pytest.fixture(scope="session")
def rotation(_changes: dict[str, Future[Any]]) -> stories.Rotation:
    """Everything is rotated, the CA in its three steps."""
    found: stories.Rotation = _changes["rotation"].result()
    return found


@pytest.fixture(scope="session")
def renewal(_changes: dict[str, Future[Any]]) -> stories.Stage:
    """A certificate ends soon, one lacks an address, one is of another key."""
    found: stories.Stage = _changes["renewal"].result()
    return found


@pytest.fixture(scope="session")
def vault(_changes: dict[str, Future[Any]]) -> stories.Vault:
    """Keys are encrypted, and one is missing."""
    found: stories.Vault = _changes["vault"].result()
    return found


# What begins with what somebody brings


@pytest.fixture(scope="session", name="_gifts")
def _gifts(tmp_path_factory: pytest.TempPathFactory, _pool: Pool) -> dict[str, Future[Any]]:
    """The stories of a folder in which somebody laid something."""
    told = (stories.own_authority, stories.elsewhere, stories.refusals)
    return {
        tell.__name__: _pool.submit(tell, tmp_path_factory.mktemp(tell.__name__)) for tell in told
    }


@pytest.fixture(scope="session")
def own_authority(_gifts: dict[str, Future[Any]]) -> stories.OwnAuthority:
    """Somebody brings a CA and its key."""
    found: stories.OwnAuthority = _gifts["own_authority"].result()
    return found


@pytest.fixture(scope="session")
def elsewhere(_gifts: dict[str, Future[Any]]) -> stories.Elsewhere:
    """Somebody brings a CA without its key."""
    found: stories.Elsewhere = _gifts["elsewhere"].result()
    return found


@pytest.fixture(scope="session")
def refusals(_gifts: dict[str, Future[Any]]) -> dict[str, Told]:
    """What is refused, by what is wrong."""
    found: dict[str, Told] = _gifts["refusals"].result()
    return found
