"""The collection as it ships, built once, and the tools that judge it."""

from __future__ import annotations

import pathlib
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / "tests" / "package")]

from artefact import build  # noqa: E402  (the path comes first)
from consumer import set_up  # noqa: E402
from rollcall_lab.environment import activated, tools  # noqa: E402


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
def project(artefact: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The foreign project, in whose collections path is the artefact and what it depends on."""
    return set_up(tmp_path_factory.mktemp("consumer"), artefact)


@pytest.fixture(scope="session")
def installed(project: pathlib.Path) -> pathlib.Path:
    """That collections path."""
    return project / "collections"


@pytest.fixture(scope="session")
def toolbox() -> dict[str, str]:
    """The variables that bring galaxy-importer and antsibull-changelog into the path."""
    return activated(tools(ROOT, "package"))
