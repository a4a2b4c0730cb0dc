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

    Returns the project's path.
    """
    project = folder / "project"
    shutil.copytree(SOURCES, project)
    installed = install(artefact, project / "collections")
    for path in installed.iterdir():
        if path.name not in GUARANTEED:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return project


def install(artefact: pathlib.Path, collections: pathlib.Path) -> pathlib.Path:
    """Install the artefact into a new collections path, whole and offline; its folder there.

    What the collection depends on is linked: Galaxy is not asked.
    """
    folder = collections / "ansible_collections"
    folder.mkdir(parents=True)
    (folder / "community").symlink_to(COLLECTIONS / "community")
    command = ("ansible-galaxy", "collection", "install", str(artefact), "--offline", "-p")
    run(collections.parent, *command, str(collections))
    return folder / "rollcall" / "discovery"


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
