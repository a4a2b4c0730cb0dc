"""The controller's Python environment (`.venv`) and collections (`.ansible/collections`)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import sys
import zipfile
from collections.abc import Callable

from .progress import LabError, output, run, step
from .settings import CACHE

ANSIBLE_WHEEL = "ansible==12.3.0"
# community.docker needs library_inventory_filtering_v1; Molecule and profile_tasks need posix.
COLLECTIONS = (
    "ansible_collections/community/crypto/",
    "ansible_collections/community/docker/",
    "ansible_collections/community/library_inventory_filtering_v1/",
    "ansible_collections/ansible/posix/",
)
# The newest ansible-core needs one of these; without them `.venv` has the Python that runs this.
PYTHONS = ("3.13", "3.12")
# What runs under every ansible-core; the rest of what the checks need reads text, or brings a core.
UNDER_EVERY_CORE = (
    *("crossplane", "hypothesis", "pytest", "pytest-rerunfailures", "pytest-xdist"),
)


def ensure(root: pathlib.Path, *, dev: bool) -> pathlib.Path:
    """Create or update `.venv` and the collections below `root`; returns the environment's folder.

    `dev` adds what the checks need. Nothing happens when the pins have not changed.
    """
    venv = root / ".venv"
    files = [_pins(root, name) for name in (("control", "dev") if dev else ("control",))]
    _pinned(venv, files, f"Python environment{' for the checks' if dev else ''} (.venv)", newest)
    _collections(root, venv)
    return venv


def tools(root: pathlib.Path, name: str) -> pathlib.Path:
    """An environment beside `.venv` with what `requirements/<name>.txt` pins; returns its folder.

    It is for tools whose own pins would move those of `.venv`.
    """
    venv = CACHE / "tools" / name
    _pinned(venv, [_pins(root, name)], f"Python environment {name}")
    return venv


def with_core(root: pathlib.Path, version: str, python: str) -> pathlib.Path:
    """An environment with another ansible-core than `.venv` has, under the Python that is named.

    The controller's libraries, and what the tests run with, are those of `.venv`. Raises LabError
    where this machine has no such Python.
    """
    venv = CACHE / "core" / version / f"python{python}"
    control, dev = (_pins(root, name).read_text() for name in ("control", "dev"))
    tests = [line for line in dev.splitlines() if line.partition("==")[0] in UNDER_EVERY_CORE]
    others = re.sub(r"^ansible-core==.*\n", "", control, flags=re.MULTILINE)
    pins = venv.with_name(f"{venv.name}.txt")
    pins.parent.mkdir(parents=True, exist_ok=True)
    pins.write_text("\n".join([f"ansible-core=={version}", others.rstrip(), *tests, ""]))
    title = f"Python environment of ansible-core {version}"
    _pinned(venv, [pins], title, lambda: interpreter(python))
    return venv


def newest() -> str:
    """The newest Python of this machine that `.venv` can have; this one without a newer one."""
    for python in PYTHONS:
        with contextlib.suppress(LabError):
            found = interpreter(python)
            # Debian has the module venv in a package of its own.
            if output([found, "-c", "import ensurepip, venv"]) is not None:
                return found
    return sys.executable


def interpreter(python: str) -> str:
    """The Python of this version (3.12), this one, a named one or pyenv's; LabError without one."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    name = f"python{python}"
    installed = [str(path) for path in sorted(pyenv.glob(f"versions/{python}.*/bin/python"))]
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    for path in filter(None, [sys.executable, shutil.which(name), *installed]):
        # pyenv has a name on the path for every Python, also for those that it does not start.
        if (output([path, "-c", version]) or "").strip() == python:
            return path
    raise LabError(
        f"This machine has no Python {python}",
        f"Install it with its module venv, as {name} or with pyenv",
    )


def activated(venv: pathlib.Path) -> dict[str, str]:
    """The environment variables that `activate` would set: tools call each other by name."""
    path = os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", "")])
    return {"VIRTUAL_ENV": str(venv), "PATH": path}


def create(venv: pathlib.Path, python: str = sys.executable) -> None:
    """Make an environment of a Python's version, of this one's by default."""
    run([python, "-m", "venv", str(venv)], remedy="Install python3-venv")


def pip(venv: pathlib.Path, *words: str, remedy: str) -> None:
    """Run an environment's own pip."""
    run([str(venv / "bin" / "python"), "-m", "pip", *words], remedy=remedy)


def _pins(root: pathlib.Path, name: str) -> pathlib.Path:
    """A file of pins."""
    return root / "requirements" / f"{name}.txt"


def _pinned(
    venv: pathlib.Path,
    files: list[pathlib.Path],
    title: str,
    python: Callable[[], str] = lambda: sys.executable,
) -> None:
    """Install the files' pins, unless they are what was installed last.

    An environment that is there keeps its Python.
    """
    pins = "".join(file.read_text() for file in files)
    installed = venv / ".installed.txt"
    # What the checks need begins with what the controller needs.
    if not (installed.exists() and installed.read_text().startswith(pins)):
        _install(venv, files, title, python)
        installed.write_text(pins)


def _install(
    venv: pathlib.Path, files: list[pathlib.Path], title: str, python: Callable[[], str]
) -> None:
    """Make the environment and install the pinned packages into it."""
    requirements = [word for file in files for word in ("-r", str(file))]
    remedy = "Check that PyPI answers (pip download six) and run the command again"
    with step(f"Preparing the {title}"):
        if not (venv / "bin" / "python").exists():
            create(venv, python())
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
