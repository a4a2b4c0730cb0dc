"""What ships: the files of the checkout that a built collection holds."""

from __future__ import annotations

import fnmatch
import itertools
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def never_ships() -> list[str]:
    """The patterns of galaxy.yml's build_ignore, read without a YAML library."""
    _, found, block = (ROOT / "galaxy.yml").read_text().partition("\nbuild_ignore:\n")
    if not found:
        raise SystemExit("galaxy.yml has no build_ignore")
    lines = itertools.takewhile(lambda line: line.startswith("  - "), block.splitlines())
    return [line[4:].strip("\"'") for line in lines]


def copy(target: pathlib.Path) -> None:
    """Copy the files that ship; what git or galaxy.yml ignores stays behind."""
    ignored = never_ships()
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        path = pathlib.Path(name)
        # As ansible-galaxy matches: the file and each folder above it, by the path from the root.
        lineage = [path, *path.parents]
        ships = not any(fnmatch.fnmatch(str(part), glob) for part in lineage for glob in ignored)
        if ships and (ROOT / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, target / path)
