"""The controller's Python environment (`.venv`) and collections (`.ansible/collections`)."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import zipfile

from .progress import run, step
from .settings import CACHE

ANSIBLE_WHEEL = "ansible==12.3.0"
# community.docker needs library_inventory_filtering_v1; Molecule and profile_tasks need posix.
COLLECTIONS = (
    "ansible_collections/community/crypto/",
    "ansible_collections/community/docker/",
    "ansible_collections/community/library_inventory_filtering_v1/",
    "ansible_collections/ansible/posix/",
)


def ensure(root: pathlib.Path, *, dev: bool) -> pathlib.Path:
    """Create or update `.venv` and the collections below `root`; returns the environment's folder.

    `dev` adds what the checks need. Nothing happens when the pins have not changed.
    """
    venv = root / ".venv"
    names = ("control", "dev") if dev else ("control",)
    _pinned(root, venv, names, f"Python environment{' for the checks' if dev else ''} (.venv)")
    _collections(root, venv)
    return venv


def tools(root: pathlib.Path, name: str) -> pathlib.Path:
    """An environment beside `.venv` with what `requirements/<name>.txt` pins; returns its folder.

    It is for tools whose own pins would move those of `.venv`.
    """
    venv = CACHE / "tools" / name
    _pinned(root, venv, (name,), f"Python environment {name}")
    return venv


def activated(venv: pathlib.Path) -> dict[str, str]:
    """The environment variables that `activate` would set: tools call each other by name."""
    path = os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", "")])
    return {"VIRTUAL_ENV": str(venv), "PATH": path}


def create(venv: pathlib.Path) -> None:
    """Make an environment of this Python's version."""
    run([sys.executable, "-m", "venv", str(venv)], remedy="Install python3-venv")


def pip(venv: pathlib.Path, *words: str, remedy: str) -> None:
    """Run an environment's own pip."""
    run([str(venv / "bin" / "python"), "-m", "pip", *words], remedy=remedy)


def _pinned(root: pathlib.Path, venv: pathlib.Path, names: tuple[str, ...], title: str) -> None:
    """Install the named files of pins, unless they are what was installed last."""
    files = [root / "requirements" / f"{name}.txt" for name in names]
    pins = "".join(file.read_text() for file in files)
    installed = venv / ".installed.txt"
    # What the checks need begins with what the controller needs.
    if not (installed.exists() and installed.read_text().startswith(pins)):
        _install(venv, files, title)
        installed.write_text(pins)


def _install(venv: pathlib.Path, files: list[pathlib.Path], title: str) -> None:
    """Make the environment and install the pinned packages into it."""
    requirements = [word for file in files for word in ("-r", str(file))]
    remedy = "Check that PyPI answers (pip download six) and run the command again"
    with step(f"Preparing the {title}"):
        if not (venv / "bin" / "python").exists():
            create(venv)
        pip(venv, "install", "-q", *requirements, remedy=remedy)


def _collections(root: pathlib.Path, venv: pathlib.Path) -> None:
    """Unpack the collections we depend on from the `ansible` wheel and link our own.

    The wheel comes from PyPI, so a machine without a Galaxy server gets the same files.
    """
    base = root / ".ansible" / "collections"
    link = base / "ansible_collections" / "rollcall" / "discovery"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(pathlib.Path("../../../.."))
    version = ANSIBLE_WHEEL.partition("==")[2]
    stamp = base / f".ansible-{version}"
    names = "\n".join(COLLECTIONS)
    if stamp.exists() and stamp.read_text() == names:
        return
    with step("Unpacking the collections we depend on"):
        wheels = CACHE / "wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        if not list(wheels.glob(f"ansible-{version}-*.whl")):
            words = ["download", "-q", "--no-deps", "-d", str(wheels), ANSIBLE_WHEEL]
            pip(venv, *words, remedy="Check that PyPI answers")
        for collection in COLLECTIONS:
            shutil.rmtree(base / collection, ignore_errors=True)
        with zipfile.ZipFile(next(wheels.glob(f"ansible-{version}-*.whl"))) as wheel:
            wheel.extractall(
                base, [name for name in wheel.namelist() if name.startswith(COLLECTIONS)]
            )
        stamp.write_text(names)
