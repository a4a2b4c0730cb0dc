"""Modules of the collection as Ansible runs them on a host, each in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".ansible" / "collections"


def surroundings() -> dict[str, str]:
    """Where the collection is found, and nothing of Consul's that the caller may have set."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("CONSUL_")}
    return {
        **mine,
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_PIPELINING": "true",
    }


def run_module(
    name: str, options: dict[str, Any], environment: dict[str, str] | None = None
) -> dict[str, Any]:
    """The result of the module of this full name, whether it failed or not.

    The module gets what Ansible sends it. A play around it costs ten times as much, and adds
    nothing to what a module says. AssertionError where it writes to its standard error, or where
    its exit status contradicts its result.
    """
    namespace, collection, module = name.split(".")
    done = subprocess.run(
        [
            *(sys.executable, "-m"),
            f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}",
        ],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": options}),
        env={**surroundings(), **(environment or {})},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.stderr, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if result.get("failed") else 0)
    return result
