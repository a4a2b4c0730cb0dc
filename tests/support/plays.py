"""Playbooks that are played on this machine, by Ansible as it is installed here."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]


def played(
    plays: Sequence[Mapping[str, Any]],
    folder: pathlib.Path,
    *arguments: str,
    environment: Mapping[str, str],
    seconds: float = 600,
) -> tuple[int, str]:
    """Run plays on this machine, from a playbook in `folder`; the status and all that was said."""
    (folder / "play.yml").write_text(json.dumps(plays))
    done = subprocess.run(
        [
            *("ansible-playbook", "-i", "localhost,", "-c", "local"),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
            *(str(folder / "play.yml"), *arguments),
        ],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return done.returncode, done.stdout + done.stderr
