"""The lab's agents are asked in either profile, and no token is a word of a command."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import re
import shlex
import ssl
import subprocess
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.profiles import (
    SECRETS,
    VARIABLE,
    Profile,
    profile_of,
)
from rollcall_agents.certificates import Authority

ROOT = SECRETS.parents[2]
TOKEN = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.fixture
def secure(tmp_path: pathlib.Path) -> Profile:
    """A profile with secrets of its own."""
    secrets = tmp_path / ".secrets"
    (secrets / "tokens").mkdir(parents=True)
    (secrets / "tokens" / "operator").write_text(f"{TOKEN}\n")
    Authority.make(secrets, "ca")
    return Profile(secrets)


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
        timeout=10,
    )
    return done.stdout


def test_the_environment_names_the_profile() -> None:
    """Open where it says nothing; a profile that there is not is no open one."""
    assert profile_of({}) == profile_of({VARIABLE: ""}) == profile_of({VARIABLE: "open"})
    assert profile_of({}) == Profile()
    assert profile_of({VARIABLE: "secure"}) == Profile(SECRETS)
    with pytest.raises(ValueError, match="ROLLCALL_PROFILE is closed: there are open and secure"):
        profile_of({VARIABLE: "closed"})


def test_an_open_agent_is_asked_without_more_ado() -> None:
    """As ever: plain HTTP, nothing to show, nothing for a play."""
    profile = Profile()
    assert profile.url("192.0.2.1") == "http://192.0.2.1:8500"
    assert (profile.headers(), profile.trust(), profile.play()) == ({}, None, {})
    assert profile.environment("192.0.2.1") == {"CONSUL_HTTP_ADDR": "192.0.2.1:8500"}
    assert profile.command("/v1/x?y") == ("curl -fsS 'http://127.0.0.1:8500/v1/x?y'", "")


def test_an_agent_may_be_asked_again_for_a_while() -> None:
    """What is not well for a moment gets its seconds, and no more."""
    command, _given = Profile().command("/v1/x", patience=15)
    assert command == "curl -fsS --retry 15 --retry-delay 1 'http://127.0.0.1:8500/v1/x'"


def test_a_secure_agent_is_asked_over_tls_with_the_operators_token(secure: Profile) -> None:
    """By the stack's own authority alone."""
    assert secure.url("192.0.2.1") == "https://192.0.2.1:8501"
    assert secure.headers() == {"X-Consul-Token": TOKEN}
    context = secure.trust()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_a_play_and_a_program_get_the_tokens_file(secure: Profile) -> None:
    """Neither holds the token itself."""
    found = secure.environment("192.0.2.1")
    assert found["CONSUL_HTTP_ADDR"] == "https://192.0.2.1:8501"
    assert pathlib.Path(found["CONSUL_HTTP_TOKEN_FILE"]).read_text().strip() == TOKEN
    assert pathlib.Path(found["CONSUL_CACERT"]).exists()
    assert TOKEN not in repr((found, secure.play()))
    assert found["CONSUL_HTTP_TOKEN_FILE"] in secure.play()["environment"]["CONSUL_HTTP_TOKEN"]


def test_a_hosts_command_shows_the_token_to_the_agent_alone(secure: Profile, agent: str) -> None:
    """It reads it; the open one shows none."""
    assert asked(secure, agent) == TOKEN
    assert asked(Profile(), agent) == "none"
    assert shlex.split(secure.command("/v1/x?passing&stale")[0])[-1].endswith("passing&stale")


def test_whoever_asks_an_agent_of_the_lab_asks_so() -> None:
    """No scenario and no test on the lab has an agent's address of its own, but a stranger's."""
    files = [*ROOT.glob("molecule/**/*.py"), *ROOT.glob("tests/integration/lab/*.py")]
    stranger = ROOT / "molecule" / "secure" / "tests" / "matrix" / "test_matrix.py"
    assert len(files) > 20
    for path in set(files) - {stranger}:
        assert not re.search(r"https?://\S*:8500|:8500/v1", path.read_text()), path


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
