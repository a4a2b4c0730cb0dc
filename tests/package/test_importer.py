"""What Galaxy says to the artefact before it takes it in."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The importer gives ansible-lint 180 s: enough for machines of Galaxy, and not for a busy one.
PATIENT = """\
import runpy
import subprocess


class Popen(subprocess.Popen):
    def communicate(self, input=None, timeout=None):
        return super().communicate(input)


subprocess.Popen = Popen
runpy.run_module("galaxy_importer.main", run_name="__main__")
"""
MODULES = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
ROLES = {path.name for path in (ROOT / "roles").iterdir()}


@pytest.fixture(scope="module")
def log(
    artefact: pathlib.Path, toolbox: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The lines of galaxy-importer, which lints the artefact on its way."""
    folder = tmp_path_factory.mktemp("importer")
    python = pathlib.Path(toolbox["VIRTUAL_ENV"], "bin", "python")
    command = [str(python), "-c", PATIENT, str(artefact)]
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections")}
    environment = {**os.environ, **toolbox, **collections}
    # The checks' own path to the collection would be found before the artefact.
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return (done.stdout + done.stderr).splitlines()


def test_the_importer_complains_of_nothing(log: list[str]) -> None:
    """Its status is 0 whatever it finds: only its lines tell."""
    assert [line for line in log if re.match(r"(WARNING|ERROR|CRITICAL)\b", line)] == []


def test_the_importer_came_to_its_end(log: list[str]) -> None:
    """Linting and all."""
    assert "...ansible-lint run complete" in log
    assert "Importer processing completed successfully" in log


@pytest.mark.parametrize(("kind", "names"), [("module", MODULES), ("role", ROLES)])
def test_the_importer_saw_all_of_it(log: list[str], kind: str, names: set[str]) -> None:
    """A module whose documentation cannot be read would be missing."""
    loaded = {line.split()[2] for line in log if line.startswith(f"Loading {kind} ")}
    assert loaded == names
