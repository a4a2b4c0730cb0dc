"""Every playbook is read by the ansible-core in use, with the inventories that are shipped."""

from __future__ import annotations

import pathlib
import subprocess

import pytest
from rollcall_agents.modules import surroundings

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLAYBOOKS = [
    ROOT / "site.yml",
    *sorted(path for path in (ROOT / "playbooks").rglob("*.yml") if path.parent.name != "vars"),
]


@pytest.mark.parametrize("inventory", ["lab", "example"])
def test_every_playbook_has_ansibles_syntax(inventory: str) -> None:
    """Roles, modules and what is imported are found, and nothing is told off."""
    done = subprocess.run(
        [
            "ansible-playbook",
            "--syntax-check",
            "-i",
            f"inventories/{inventory}",
            *map(str, PLAYBOOKS),
        ],
        cwd=ROOT,
        env=surroundings(),
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("playbook: ") == len(PLAYBOOKS) > 30
    assert not [line for line in done.stderr.splitlines() if "DEPRECATION" in line]
