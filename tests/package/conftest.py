"""The collection as it ships, built once, and the tools that judge it."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / "tests" / "package")]

from artefact import build  # noqa: E402  (the path comes first)
from rollcall_lab.environment import activated, tools  # noqa: E402

COLLECTIONS = ROOT / ".ansible" / "collections" / "ansible_collections"


@pytest.fixture(scope="session")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The tarball."""
    return build(tmp_path_factory.mktemp("artefact"))


@pytest.fixture(scope="session")
def files(artefact: pathlib.Path) -> dict[str, tarfile.TarInfo]:
    """What is in it, by its name, folders left out."""
    with tarfile.open(artefact) as tarball:
        return {member.name: member for member in tarball.getmembers() if not member.isdir()}


@pytest.fixture(scope="session")
def installed(artefact: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A collections path that holds the artefact, what it depends on, and nothing else."""
    path = tmp_path_factory.mktemp("collections")
    (path / "ansible_collections").mkdir()
    (path / "ansible_collections" / "community").symlink_to(COLLECTIONS / "community")
    command = ["ansible-galaxy", "collection", "install", str(artefact), "-p", str(path)]
    # Elsewhere than here: the checkout's own ansible.cfg knows the collection already.
    subprocess.run([*command, "--offline"], cwd=path, check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def toolbox() -> dict[str, str]:
    """The variables that bring galaxy-importer and antsibull-changelog into the path."""
    return activated(tools(ROOT, "package"))
