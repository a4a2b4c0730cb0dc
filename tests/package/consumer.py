"""A foreign project with the artefact in a collections path of its own."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from shipment import ROOT

SOURCES = ROOT / "tests" / "consumer"
COLLECTIONS = ROOT / ".ansible" / "collections" / "ansible_collections"
# What a collection may rely on once it is installed, and what says that it is.
GUARANTEED = {"meta", "plugins", "roles", "playbooks", "MANIFEST.json", "FILES.json"}


def set_up(folder: pathlib.Path, artefact: pathlib.Path) -> pathlib.Path:
    """Make the project below `folder`, with the artefact installed as far as it must be.

    What the collection depends on is linked: Galaxy is not asked. Returns the project's path.
    """
    project = folder / "project"
    shutil.copytree(SOURCES, project)
    collections = project / "collections" / "ansible_collections"
    collections.mkdir(parents=True)
    (collections / "community").symlink_to(COLLECTIONS / "community")
    install(artefact, project / "collections")
    for path in (collections / "rollcall" / "discovery").iterdir():
        if path.name not in GUARANTEED:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return project


def install(artefact: pathlib.Path, collections: pathlib.Path) -> None:
    """Install the artefact into a collections path, whole and offline."""
    command = ("ansible-galaxy", "collection", "install", str(artefact), "--offline", "-p")
    run(collections.parent, *command, str(collections))


def environment() -> dict[str, str]:
    """The variables of a shell in which nobody has heard of this checkout."""
    ours = ("ANSIBLE_", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def run(project: pathlib.Path, *command: str, seconds: float = 600) -> str:
    """A command's output in the project; CalledProcessError where it fails."""
    return subprocess.run(
        command,
        cwd=project,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    ).stdout
