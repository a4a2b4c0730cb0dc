"""Plays of one role on this machine: of one balancer, or of many that will not do."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from rollcall_agents.modules import surroundings

from ..plays import played


class Recap:
    """What a run said at its end, and all that it said."""

    def __init__(self, output: str) -> None:
        """Read the last line of a play's output."""
        self.output = output
        found = re.search(r"changed=(\d+).*failed=(\d+)", output)
        assert found, output
        self.changed, self.failed = int(found[1]), int(found[2])

    @property
    def text(self) -> str:
        """All that it said, without the breaks of its lines."""
        return " ".join(self.output.split())


Play = Callable[..., Recap]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a host in a play: how many tasks changed and failed, and all messages."""

    changed: int
    failed: int
    messages: str


def run_role(role: str, inputs: Mapping[str, Any], folder: pathlib.Path, *arguments: str) -> Recap:
    """Run a role with inputs, named without its prefix, from a playbook in `folder`."""
    whole = [_play(role, "localhost", _prefixed(role, inputs))]
    _status, output = played(whole, folder, *arguments, environment=surroundings(), seconds=180)
    return Recap(output)


def run_role_for_each(
    role: str, hosts: Mapping[str, Mapping[str, Any]], folder: pathlib.Path
) -> dict[str, Verdict]:
    """Run a role once for many hosts, each with inputs of its own; all of them are this machine.

    A play of each would cost a second each, and say the same.
    """
    inventory = folder / "hosts.json"
    everybody = {name: _prefixed(role, inputs) for name, inputs in hosts.items()}
    inventory.write_text(json.dumps({"cases": {"hosts": everybody}}))
    environment = {**surroundings(), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    whole = [_play(role, "cases", {})]
    _status, output = played(whole, folder, "-i", str(inventory), environment=environment)
    # What was said to the standard error follows.
    said, _end = json.JSONDecoder().raw_decode(output)
    results = [task["hosts"] for play in said["plays"] for task in play["tasks"]]
    return {
        name: Verdict(
            counts["changed"],
            counts["failures"],
            "\n".join(message for each in results for message in _messages(each.get(name, {}))),
        )
        for name, counts in said["stats"].items()
    }


def _play(role: str, hosts: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    roles = [{"role": f"rollcall.discovery.{role}"}]
    return {"hosts": hosts, "gather_facts": False, "roles": roles, "vars": dict(variables)}


def _prefixed(role: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{role}_{key}": value for key, value in inputs.items()}


def _messages(result: Mapping[str, Any]) -> list[str]:
    """What a failed task says, and each round of its loop."""
    if not result.get("failed"):
        return []
    return [str(each["msg"]) for each in (result, *result.get("results", ())) if "msg" in each]
