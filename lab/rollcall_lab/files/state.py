"""The files of one lab in this checkout: its keys, inventory, settings and secrets.

The logs and the outer engine's files in `.lab` belong to the checkout and stay where they are.
"""

from __future__ import annotations

import pathlib
import shutil

from ..settings import ROOT

_FILES = (".lab/ssh", ".lab/inventory", ".lab/settings.json", "inventories/lab/.secrets")
_ASIDE = ".lab/set-aside"
# Becomes `_ASIDE` by one rename, when every file is in it.
_PARTIAL = ".lab/set-aside.partial"


def remove() -> None:
    """Remove the files of the lab."""
    for name in _FILES:
        path = ROOT / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def is_set_aside() -> bool:
    """Whether the files are set aside, all of them: what lies in their place is another lab's."""
    return (ROOT / _ASIDE).exists()


def set_aside() -> None:
    """Move the files to a folder of their own."""
    (ROOT / _PARTIAL).mkdir(parents=True, exist_ok=True)
    _move(ROOT, ROOT / _PARTIAL)
    (ROOT / _PARTIAL).rename(ROOT / _ASIDE)


def bring_back() -> None:
    """Move the files back, in place of another lab's; after an interruption, call it again."""
    if is_set_aside():
        remove()
        (ROOT / _ASIDE).rename(ROOT / _PARTIAL)
    if (ROOT / _PARTIAL).exists():
        _move(ROOT / _PARTIAL, ROOT)
        shutil.rmtree(ROOT / _PARTIAL)


def _move(source: pathlib.Path, target: pathlib.Path) -> None:
    """Move the files that exist below `source` to the same names below `target`."""
    for name in _FILES:
        if (source / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).rename(target / name)
