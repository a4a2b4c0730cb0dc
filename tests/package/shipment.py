"""What ships: the files of the checkout that a built collection holds."""

from __future__ import annotations

import fnmatch
import itertools
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def never_ships(root: pathlib.Path) -> list[str]:
    """The patterns of galaxy.yml's build_ignore, read without a YAML library.

    One a line, and comments between them.
    """
    _, found, block = (root / "galaxy.yml").read_text().partition("\nbuild_ignore:\n")
    if not found:
        raise SystemExit("galaxy.yml has no build_ignore")
    lines = itertools.takewhile(lambda line: line.startswith("  "), block.splitlines())
    return [line[4:].strip("\"'") for line in lines if line.startswith("  - ")]


def known(root: pathlib.Path) -> list[str]:
    """The files that git tracks, and those that are new in a folder that it knows.

    What lies elsewhere somebody has put there for himself: a play, notes, a picture.
    """
    tracked, new = _listed(root, "--cached"), _listed(root, "--others", "--exclude-standard")
    folders = {name.partition("/")[0] for name in tracked}
    names = tracked + [name for name in new if name.partition("/")[0] in folders]
    return [name for name in names if (root / name).is_file()]


def _listed(root: pathlib.Path, *options: str) -> list[str]:
    command = ["git", "ls-files", "-z", *options]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split("\0") if name]


def copy(target: pathlib.Path, root: pathlib.Path = ROOT) -> None:
    """Copy the files of a checkout that ship; what git or galaxy.yml ignores stays behind."""
    ignored = never_ships(root)
    for name in known(root):
        path = pathlib.Path(name)
        # As ansible-galaxy matches: the file and each folder above it, by the path from the root,
        # which is not matched itself.
        lineage = [path, *path.parents][:-1]
        if not any(fnmatch.fnmatch(str(part), glob) for part in lineage for glob in ignored):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, target / path)
