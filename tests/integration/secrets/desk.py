"""A controller with an inventory, its folder of secrets, and what a run of the role says."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any

from ..consul.conftest import ROOT, surroundings

# Nobody answers there, and nobody becomes root: the role works here, as who runs it.
NOWHERE = {
    "ansible_connection": "ssh",
    "ansible_host": "192.0.2.1",
    "ansible_become": True,
    "ansible_python_interpreter": "/nowhere/python3",
}
HOSTS: dict[str, dict[str, Any]] = {
    "alpha": {"secrets_kind": "server", "secrets_addresses": ["192.0.2.11"]},
    "beta": {"secrets_kind": "server", "secrets_addresses": ["192.0.2.12", "2001:db8::12"]},
    "gamma": {"secrets_kind": "client", "secrets_addresses": ["192.0.2.13"]},
}
PASSWORD = "of the vault"


@dataclasses.dataclass(frozen=True)
class Told:
    """What a run said, how many changes on each host, and whether it came to its end."""

    output: str
    changed: Mapping[str, int]
    right: bool

    def says(self, sentence: str) -> bool:
        """Whether it said so, wherever it broke its lines."""
        return sentence in " ".join(self.output.split())


class Desk:
    """An inventory below `folder`; `secrets` is the folder in it that the role fills."""

    def __init__(self, folder: pathlib.Path) -> None:
        """A play of the role, a vault's password, and no secret yet."""
        self.folder = folder
        self.secrets = folder / "inventory" / ".secrets"
        self.secrets.parent.mkdir(parents=True)
        play = {"hosts": "all", "gather_facts": False, "roles": ["rollcall.discovery.secrets"]}
        (folder / "play.yml").write_text(json.dumps([play]))
        (folder / "password").write_text(PASSWORD)

    def run(
        self,
        *arguments: str,
        hosts: Mapping[str, Mapping[str, Any]] = HOSTS,
        **inputs: Any,
    ) -> Told:
        """Run the role for hosts. Whatever it says at -vvv, no secret is in it."""
        inventory = {
            "all": {
                "hosts": {name: dict(of_host) for name, of_host in hosts.items()},
                "vars": {**NOWHERE, "secrets_node": "node-{{ inventory_hostname }}"},
            }
        }
        (self.secrets.parent / "hosts.yml").write_text(json.dumps(inventory))
        before = self.private()
        done = subprocess.run(
            [
                *("ansible-playbook", "-vvv", "--diff", "-i", str(self.secrets.parent)),
                *("-e", json.dumps({f"secrets_{key}": value for key, value in inputs.items()})),
                *(str(self.folder / "play.yml"), *arguments),
            ],
            cwd=self.folder,
            # YAML would break long lines, and hide a secret from the search.
            env={**surroundings(), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        output = done.stdout + done.stderr
        assert [each for each in before | self.private() if each in output] == []
        assert "PRIVATE KEY-----" not in output
        changed = re.findall(r"^(\w+) +: ok=.* changed=(\d+)", output, re.M)
        return Told(output, {name: int(number) for name, number in changed}, done.returncode == 0)

    def files(self) -> dict[str, str]:
        """What lies in the folder, by its name there."""
        return {
            str(path.relative_to(self.secrets)): path.read_text()
            for path in sorted(self.secrets.rglob("*"))
            if path.is_file()
        }

    def private(self) -> set[str]:
        """The beginning of whatever nobody shall read but who owns it: a key's end is public."""
        found = set()
        for name, text in self.files().items():
            if name.endswith(".key") or name.startswith("tokens/"):
                lines = [line for line in text.splitlines() if not line.startswith("-----")]
                found.add(lines[0])
        return found - {line for line in found if line.startswith("$ANSIBLE_VAULT")}

    def vault(self, verb: str, name: str) -> None:
        """Encrypt or decrypt a file, as a person does."""
        words = [verb, "--vault-password-file", str(self.folder / "password")]
        subprocess.run(
            ["ansible-vault", *words, str(self.secrets / name)],
            cwd=self.folder,
            env=surroundings(),
            check=True,
            capture_output=True,
        )

    def like(self) -> Desk:
        """Another desk with the same secrets."""
        other = Desk(pathlib.Path(tempfile.mkdtemp(dir=self.folder)))
        shutil.copytree(self.secrets, other.secrets)
        return other


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The names of files that came, went or changed."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


__all__ = ["HOSTS", "ROOT", "Desk", "Told", "differing"]
