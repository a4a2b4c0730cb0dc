"""A play of one role on this machine."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping
from typing import Any

from ..consul.conftest import played, surroundings


class Recap:
    """What a run said at its end, and all that it said."""

    def __init__(self, output: str) -> None:
        """Read the last line of a play's output."""
        self.output = output
        found = re.search(r"changed=(\d+).*failed=(\d+)", output)
        assert found, output
        self.changed, self.failed = int(found[1]), int(found[2])


def run_role(role: str, inputs: Mapping[str, Any], folder: pathlib.Path, *arguments: str) -> Recap:
    """Run a role with inputs, named without its prefix, from a playbook in `folder`."""
    whole = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "roles": [{"role": f"rollcall.discovery.{role}"}],
            "vars": {f"{role}_{key}": value for key, value in inputs.items()},
        }
    ]
    _status, output = played(whole, folder, *arguments, environment=surroundings(), seconds=180)
    return Recap(output)
