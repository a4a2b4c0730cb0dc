"""An execution environment gets what the controller needs, and nothing that only hosts need."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "rollcall.discovery"
# What runs on the controller: plugins that are no modules, what they import, and the probe.
CONTROLLER = (
    "plugins/action/*.py",
    "plugins/filter/*.py",
    "plugins/inventory/*.py",
    "plugins/module_utils/_consul/**/*.py",
    "roles/drill/files/rollcall_drills/**/*.py",
)


def names(text: str) -> set[str]:
    """The packages that lines of requirements name."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {re.split(r"[<>=!~ \[;(]", line)[0].lower() for line in lines if line}


def with_their_own(packages: set[str]) -> set[str]:
    """Packages, and what they bring along."""
    brought = (importlib.metadata.requires(package) or () for package in packages)
    return packages | names("\n".join(line for lines in brought for line in lines))


def imported() -> set[str]:
    """The packages that the controller's code imports, by the name they are installed by."""
    roots = set()
    for path in (path for glob in CONTROLLER for path in ROOT.glob(glob)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                roots.add(str(node.module).partition(".")[0])
    ours = {"ansible_collections", "rollcall_drills"}
    known = importlib.metadata.packages_distributions()
    return {known[root][0].lower() for root in roots - ours - set(sys.stdlib_module_names)}


def test_all_that_the_controller_imports_is_named() -> None:
    """And a package that nothing needs any more is not."""
    declared = names((ROOT / "meta" / "ee-requirements.txt").read_text())
    assert imported() <= with_their_own(declared | {"ansible-core"})
    assert declared <= imported()


def test_ansible_builder_reads_it(installed: pathlib.Path, toolbox: dict[str, str]) -> None:
    """From the artefact as it is installed."""
    done = subprocess.run(
        ["ansible-builder", "introspect", str(installed)],
        env={**os.environ, **toolbox},
        check=True,
        capture_output=True,
        text=True,
    )
    # A line is a requirement, with a comment that names its collection.
    lists = yaml.safe_load(done.stdout)
    ours = [line for found in lists.values() for line in found if line.endswith(f" {NAME}")]
    requirements = "\n".join(
        (ROOT / "meta" / f"ee-{name}.txt").read_text() for name in ("requirements", "bindep")
    )
    assert ours
    assert names("\n".join(ours)) == names(requirements)
