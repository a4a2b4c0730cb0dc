"""The release notes of the version in galaxy.yml, made from changelogs/fragments."""

from __future__ import annotations

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping

import yaml
from shipment import ROOT, copy

DERIVED = ("CHANGELOG.rst", "changelogs/changelog.yaml")


def version() -> str:
    """The version that galaxy.yml says."""
    found = re.search(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(), re.M)
    assert found is not None
    return found[1]


def derive(environment: Mapping[str, str]) -> dict[str, str]:
    """What the derived files have to say, by their names. `environment` has antsibull-changelog.

    The version is released anew, on the day it was released on before. Versions before it stay.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
        # The tool asks git for the files of a collection that lies in a checkout: this one is none.
        collection = pathlib.Path(scratch, "ansible_collections", "rollcall", "discovery")
        copy(collection)
        shutil.copytree(ROOT / "changelogs", collection / "changelogs", dirs_exist_ok=True)
        shutil.copy2(ROOT / "galaxy.yml", collection)
        path = collection / "changelogs" / "changelog.yaml"
        written = yaml.safe_load(path.read_text())
        before = written["releases"].pop(version(), {})
        path.write_text(yaml.safe_dump(written))
        day = before.get("release_date") or datetime.date.today().isoformat()
        for command in (["lint"], ["release", "--version", version(), "--date", day]):
            subprocess.run(
                ["antsibull-changelog", *command],
                cwd=collection,
                check=True,
                env={**os.environ, **environment},
            )
        return {name: (collection / name).read_text() for name in DERIVED}
