"""A drill against an agent that speaks TLS and wants a token."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
from rollcall_agents.agent import LOCAL, Agent
from rollcall_agents.certificates import Authority
from rollcall_agents.clusters import guarded, token_with

from .conftest import ROOT, surroundings

SERVICE = "my-web-server"
SELF = 'agent_prefix "" { policy = "read" }'
KEY = 'key "rollcall/drill" { policy = "read" }'
NODES = 'node_prefix "" { policy = "read" }'
SERVICES = 'service_prefix "" { policy = "read" }'


@pytest.fixture(scope="module", name="agent")
def _agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A server as in the secure profile, and one instance that it lists."""
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority.make(folder, "authority")
    certificate, key = authority.leaf("agent", LOCAL)
    shown = {"cert_file": str(certificate), "key_file": str(key)}
    (folder / "tls.json").write_text(json.dumps({"tls": {"https": shown}}))
    config = f"-config-file={folder / 'tls.json'}"
    with guarded(folder, config, authority=authority.pem) as agent:
        agent.register(SERVICE, "web-1", Address="192.0.2.1", Port=80)
        agent.ready("the instance", lambda: agent.catalog(SERVICE))
        yield agent


def drill(*words: object, status: int = 0) -> str:
    """What the command prints; its exit status is checked."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "roles/drill/files/drill.py"), *map(str, words)],
        env=surroundings(),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def start(
    folder: pathlib.Path,
    agent: Agent,
    engine: str,
    token: str,
    authority: pathlib.Path | None = None,
    status: int = 0,
) -> str:
    """Begin a drill with this token, of which no word is printed."""
    (folder / "token").write_text(f"{token}\n")
    said = drill(
        *("start", "--history", folder / "history", "--rate", 20),
        # Any page that answers will do: that of the engine is at hand.
        *("--url", engine.replace("tcp", "http"), "--consul", agent.url),
        *("--consul-ca", authority or agent.authority, "--consul-token-file", folder / "token"),
        status=status,
    )
    assert token not in said
    return said


def test_a_token_that_may_read_sees_everything(
    tmp_path: pathlib.Path, agent: Agent, engine: str
) -> None:
    """Leader, term, members and instances are in the history, and consistent reads answered."""
    start(tmp_path, agent, engine, token_with(agent, f"{SELF} {KEY} {NODES} {SERVICES}"))
    drill("stop", "--history", tmp_path / "history")
    events = (tmp_path / "history" / "events.jsonl").read_text().splitlines()
    lines = [json.loads(event) for event in events]
    last = {line["kind"]: line for line in lines}
    assert last["raft"]["state"] == "Leader"
    assert [member["name"] for member in last["members"]["members"]] == [agent.node]
    assert [instance["id"] for instance in last["passing"]["instances"]] == ["web-1"]
    assert last["reads"]["answered"]
    assert not {"refused", "distrusted"} & last.keys()


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (f"{KEY} {NODES} {SERVICES}", "refuses /v1/agent/self (403)"),
        (f"{SELF} {NODES} {SERVICES}", "refuses /v1/kv/rollcall/drill?consistent (403)"),
        (f"{SELF} {KEY} {NODES}", f"filters /v1/health/service/{SERVICE}?passing&stale"),
        (f"{SELF} {KEY} {SERVICES}", "filters /v1/"),
    ],
)
def test_a_token_that_may_not_is_told_at_the_start(
    tmp_path: pathlib.Path, agent: Agent, engine: str, rules: str, sentence: str
) -> None:
    """What it lacks looks neither like an outage nor like an empty catalog."""
    said = start(tmp_path, agent, engine, token_with(agent, rules), status=2)
    assert f"{agent.url} {sentence}" in said
    assert not (tmp_path / "history").exists()


def test_a_token_that_nobody_made_is_told(
    tmp_path: pathlib.Path, agent: Agent, engine: str
) -> None:
    """Rights would not help it."""
    said = start(tmp_path, agent, engine, str(uuid.uuid4()), status=2)
    assert f"{agent.url} does not know this token" in said


def test_another_authority_is_told(tmp_path: pathlib.Path, agent: Agent, engine: str) -> None:
    """With OpenSSL's reason."""
    stranger = Authority.make(tmp_path, "stranger").pem
    said = start(tmp_path, agent, engine, str(uuid.uuid4()), stranger, status=2)
    assert f"{agent.url} is not trusted: unable to get local issuer certificate" in said
