"""The release notes are derived: nobody writes them by hand, and nothing new is forgotten."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml
from changelog import DERIVED, derive, version

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The drills are the role drill's, and vars hold no playbook.
NOT_ANNOUNCED = {"drills", "vars"}


@pytest.fixture(scope="module")
def derived(toolbox: dict[str, str]) -> dict[str, str]:
    """The files as the fragments have them; antsibull-changelog has looked at these before."""
    return derive(toolbox)


@pytest.mark.parametrize("name", DERIVED)
def test_the_release_notes_are_what_the_fragments_say(derived: dict[str, str], name: str) -> None:
    """`tests/package/changelog` writes them."""
    assert (ROOT / name).read_text() == derived[name]


def announced(kind: str) -> set[str]:
    """The names of a kind of thing that some release brought."""
    notes: dict[str, Any] = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())
    return {
        entry["name"]
        for release in notes["releases"].values()
        for brought in (
            {"module": release.get("modules", [])},
            release.get("plugins", {}),
            release.get("objects", {}),
        )
        for entry in brought.get(kind, ())
    }


@pytest.mark.parametrize(
    ("kind", "folder", "glob"),
    [
        ("role", "roles", "*"),
        ("playbook", "playbooks", "**/*.yml"),
        ("module", "plugins/modules", "*.py"),
        ("inventory", "plugins/inventory", "*.py"),
        ("filter", "plugins/filter", "*.py"),
    ],
)
def test_whatever_there_is_was_announced(kind: str, folder: str, glob: str) -> None:
    """A new role and a new playbook need a fragment; plugins are found by themselves."""
    there = (
        path.relative_to(ROOT / folder).with_suffix("").parts for path in (ROOT / folder).glob(glob)
    )
    assert announced(kind) == {".".join(parts) for parts in there if parts[0] not in NOT_ANNOUNCED}


def test_the_version_is_one_that_was_announced() -> None:
    """galaxy.yml and the release notes speak of the same version, in three numbers."""
    notes = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())
    assert version() in notes["releases"]
    assert all(part.isdigit() for part in version().split("."))
    assert version().count(".") == 2
