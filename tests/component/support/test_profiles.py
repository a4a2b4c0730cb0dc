"""What a profile makes of a command, an agent and Ansible see."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.profiles import SECRETS, VARIABLE, Profile
from ansible_collections.rollcall.discovery.tests.support.secure_profile import (
    TOKEN,
    secure_fixture,
)

__all__ = ["secure_fixture"]

ROOT = SECRETS.parents[2]


@pytest.fixture
def agent() -> Iterator[str]:
    """An agent that answers with the token it was shown."""

    class Agent(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.headers.get("X-Consul-Token", "none").encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def asked(profile: Profile, agent: str) -> str:
    """What the command prints, run as it is on a host."""
    command, given = profile.command("/v1/x?passing&stale", agent)
    assert TOKEN not in command
    done = subprocess.run(
        ["sh", "-c", command],
        input=given,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def test_a_hosts_command_shows_the_token_to_the_agent_alone(secure: Profile, agent: str) -> None:
    """It reads it; the open one shows none."""
    assert asked(secure, agent) == TOKEN
    assert asked(Profile(), agent) == "none"
    assert shlex.split(secure.command("/v1/x?passing&stale")[0])[-1].endswith("passing&stale")


def ansible(*words: str, profile: str) -> str:
    """What a program of Ansible's prints in the checkout, with this profile named."""
    done = subprocess.run(
        words,
        env={**os.environ, VARIABLE: profile, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("profile", "meant"), [("", "open"), ("open", "open"), ("secure", "secure")]
)
def test_the_labs_inventories_take_the_same_name(profile: str, meant: str) -> None:
    """Whichever of them, playbooks and tests mean one profile and one folder of secrets."""
    inventories = [f"-i=inventories/{name}" for name in ("lab", "lab_clients")]
    text = ansible(
        *("ansible", "host-1,host-4", *inventories, "-m", "ansible.builtin.debug"),
        *("-a", "msg='<{{ rollcall_profile }} {{ rollcall_secrets | realpath }}>'"),
        profile=profile,
    )
    assert re.findall("<(.*)>", text) == [f"{meant} {SECRETS}"] * 2


def test_what_lies_among_the_secrets_is_no_host(secure: Profile, tmp_path: pathlib.Path) -> None:
    """Ansible reads every file of an inventory's folder: a token would be a host's name."""
    assert secure.secrets == tmp_path / ".secrets"
    (tmp_path / "hosts.yml").write_text("all: {hosts: {host-1: {}}}")
    known = json.loads(ansible("ansible-inventory", f"-i={tmp_path}", "--list", profile="secure"))
    assert known["ungrouped"]["hosts"] == ["host-1"]
