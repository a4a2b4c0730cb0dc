"""A foreign project with the artefact in a collections path of its own."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from shipment import ROOT

SOURCES = ROOT / "tests" / "consumer"
COLLECTIONS = ROOT / ".ansible" / "collections" / "ansible_collections"


def set_up(folder: pathlib.Path, artefact: pathlib.Path) -> pathlib.Path:
    """Make the project below `folder` and install the artefact into it, offline.

    What the collection depends on is linked: Galaxy is not asked. Returns the project's path.
    """
    project = folder / "project"
    shutil.copytree(SOURCES, project)
    collections = project / "collections" / "ansible_collections"
    collections.mkdir(parents=True)
    (collections / "community").symlink_to(COLLECTIONS / "community")
    command = ["ansible-galaxy", "collection", "install", str(artefact), "--offline", "-p"]
    subprocess.run(
        [*command, str(project / "collections")],
        cwd=project,
        env=environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return project


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
