"""Modules of the collection as Ansible runs them on a host, each in a process of its own."""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
from typing import Any

from ansible.module_utils.common.parameters import PASS_VARS

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".ansible" / "collections"
# As ANSIBLE_INJECT_INVOCATION does; before ansible-core 2.21 each result has its invocation.
_INVOCATION = {f"_ansible_{each}": True for each in PASS_VARS if each == "inject_invocation"}
# No call of a test takes as long.
_SECONDS = 600


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
        # A result has what the module was given, where a secret would be seen.
        "ANSIBLE_INJECT_INVOCATION": "true",
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
    status, output, errors = _programs().run(
        f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}",
        json.dumps({"ANSIBLE_MODULE_ARGS": {**_INVOCATION, **options}}),
        {**surroundings(), **(environment or {})},
    )
    assert not errors, errors
    result: dict[str, Any] = json.loads(output)
    assert status == (1 if result.get("failed") else 0)
    return result


class _Programs:
    """The program `forks`, which lives as long as this process; threads may share it."""

    def __init__(self) -> None:
        """Start it: it has imported what modules need before it is called."""
        self._calls, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rollcall_agents.forks", str(theirs.fileno())],
                env={**surroundings(), "PYTHONPATH": f"{COLLECTIONS}:{ROOT / 'lab'}"},
                pass_fds=[theirs.fileno()],
            )

    def run(self, module: str, given: str, environment: dict[str, str]) -> tuple[int, str, str]:
        """Exit status, standard output and error of a module that has read `given`."""
        ours, theirs = os.pipe()
        with (
            open(ours, "rb") as ended,
            tempfile.TemporaryFile("w+") as stdin,
            tempfile.TemporaryFile("w+") as stdout,
            tempfile.TemporaryFile("w+") as stderr,
        ):
            stdin.write(given)
            stdin.seek(0)
            files = [stdin.fileno(), stdout.fileno(), stderr.fileno(), theirs]
            socket.send_fds(self._calls, [json.dumps([module, environment]).encode()], files)
            os.close(theirs)
            readable, _, _ = select.select([ended], [], [], _SECONDS)
            assert readable, f"{module} has not ended after {_SECONDS} s"
            status = ended.read(1)
            stdout.seek(0)
            stderr.seek(0)
            said, errors = stdout.read(), stderr.read()
        assert status, f"{module} could not be run"
        return status[0], said, errors

    def end(self) -> None:
        """End it: nobody calls any more."""
        self._calls.close()
        self._process.wait()


@functools.cache
def _programs() -> _Programs:
    found = _Programs()
    atexit.register(found.end)
    return found
