"""What a drill is told of an open stack and of a secure one, and where its token goes."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import pytest
import yaml
from rollcall_agents.roles import Role, variables_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "drill"
TOKEN = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
WANTED = ("drill_consul", "drill_consul_ca", "drill_consul_token_file", "drill_agent_token")


def told(folder: pathlib.Path, **inventory: Any) -> dict[str, Any]:
    """What the drills' playbooks make of an inventory in this folder with these variables."""
    hosts = {f"host-{number}": {"ansible_host": f"192.0.2.{number}"} for number in (1, 2)}
    groups = ("docker_hosts", "consul_servers", "web_servers", "load_balancers")
    around = {
        **variables_of(ROOT / "playbooks" / "drills" / "vars" / "drill.yml"),
        "groups": {name: list(hosts) for name in groups},
        "hostvars": hosts,
        "inventory_dir": str(folder),
        "ansible_playbook_python": sys.executable,
        "__drill_history": "history",
        **inventory,
    }
    return Role("drill", {"name": "x"}, around).variables(*WANTED, "__drill_start")


def test_an_open_stack_is_asked_as_ever(tmp_path: pathlib.Path) -> None:
    """Plain HTTP, no authority, no token."""
    found = told(tmp_path)
    assert [found[name] for name in WANTED] == [
        ["http://192.0.2.1:8500", "http://192.0.2.2:8500"],
        *("", "", ""),
    ]
    assert not [word for word in found["__drill_start"] if str(word).startswith("--consul-")]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_secure_stack_is_asked_with_its_secrets(tmp_path: pathlib.Path, elsewhere: bool) -> None:
    """Over TLS, with those beside the inventory or where it says; only the recorder's path of the
    token stands on a command line.
    """
    secrets = tmp_path / ("elsewhere" if elsewhere else ".secrets")
    (secrets / "tokens").mkdir(parents=True)
    (secrets / "tokens" / "operator").write_text(f"{TOKEN}\n")
    more = {"rollcall_secrets": str(secrets)} if elsewhere else {}
    found = told(tmp_path, rollcall_profile="secure", **more)
    authority, token = f"{secrets}/ca.pem", f"{secrets}/tokens/operator"
    assert [found[name] for name in WANTED] == [
        ["https://192.0.2.1:8501", "https://192.0.2.2:8501"],
        *(authority, token, TOKEN),
    ]
    words = found["__drill_start"]
    assert words[words.index("--consul-ca") + 1] == authority
    assert words[words.index("--consul-token-file") + 1] == token
    assert TOKEN not in words


def test_whoever_asks_an_agent_has_the_token() -> None:
    """Every task that names the agent names the token too, and none without one names it."""
    asking = 0
    for path in sorted((ROLE / "tasks").rglob("*.yml")):
        for task in yaml.safe_load(path.read_text()):
            for options in (value for key, value in task.items() if key.startswith("rollcall.")):
                asking += 1
                assert options["url"] == "{{ drill_agent_url }}", path
                assert options["token"] == "{{ drill_agent_token | default(omit, true) }}", path
    assert asking
