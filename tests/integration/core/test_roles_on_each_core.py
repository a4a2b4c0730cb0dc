"""Roles that are played, with the ansible-playbook and the modules of the ansible-core in use."""

from __future__ import annotations

import base64
import json
import pathlib

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage
from ansible_collections.rollcall.discovery.tests.support.balancer.plays import run_role
from ansible_collections.rollcall.discovery.tests.support.plays import played
from ansible_collections.rollcall.discovery.tests.support.turns import turn
from ansible_collections.rollcall.discovery.tests.support.typed import as_text
from rollcall_agents.agent import free_ports
from rollcall_agents.modules import surroundings
from rollcall_agents.secure_cluster import SERVER, secure_cluster


def assert_in_form(path: pathlib.Path) -> None:
    """A file of JSON has a line for each entry, in order, and ends with its last line."""
    text = path.read_text()
    assert text == json.dumps(json.loads(text), indent=4, sort_keys=True) + "\n"


def test_an_empty_host_becomes_a_balancer_that_serves(
    stage: NginxStage, tmp_path: pathlib.Path
) -> None:
    """Numbers come as text, as `-e` gives them; a second run changes nothing.

    The file's form is the same under each core: a run with another one changes nothing either.
    """
    stage.backend("one")
    numbers = {
        "port": stage.port,
        "tls_port": stage.tls_port,
        "status_port": stage.status_port,
        "keepalive": 16,
        "guard_max_drop": 0.5,
        "wait_timeout": 60,
    }
    inputs = {**stage.inputs(), **as_text(numbers)}
    with turn(stage.role):
        first = run_role(stage.role, inputs, tmp_path)
        assert first.failed == 0, first.output
        stage.serving("one")
        assert_in_form(stage.folder / "settings.json")
        again = run_role(stage.role, inputs, tmp_path)
        assert (again.changed, again.failed) == (0, 0), again.output


def test_a_file_of_json_is_written_as_it_was_rendered(tmp_path: pathlib.Path) -> None:
    """It is no dictionary on its way to the file."""
    folder = tmp_path / "conf"
    task = {"name": "rollcall.discovery.haproxy_lb", "tasks_from": "configure.yml"}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"name": "Write it", "ansible.builtin.include_role": task}],
        "vars": {"haproxy_lb_directory": str(folder)},
    }
    status, output = played([play], tmp_path, environment=surroundings())
    assert status == 0, output
    assert_in_form(folder / "follower.json")


def test_a_secure_cluster_forms(tmp_path: pathlib.Path) -> None:
    """Consul takes the configuration, the secrets, the policies and the tokens of the roles."""
    with secure_cluster(tmp_path) as cluster:
        assert cluster.alive()
        assert cluster.by("", SERVER).ask("GET", "/v1/acl/tokens").status == 403


@pytest.mark.parametrize(("length", "failed"), [(16, 0), (24, 0), (32, 0), (20, 1)])
def test_a_gossip_key_has_one_of_three_lengths(
    length: int, failed: int, tmp_path: pathlib.Path
) -> None:
    """Another one is refused before anything is written."""
    inputs = {
        "gossip_key": base64.b64encode(bytes(length)).decode(),
        "directory": str(tmp_path / "consul"),
        **dict.fromkeys(("ca", "certificate", "key"), "a PEM"),
    }
    recap = run_role("consul_credentials", inputs, tmp_path, "--check")
    assert recap.failed == failed, recap.output


@pytest.mark.parametrize(("count", "failed"), [("2", 0), ("two", 1)])
def test_an_inventory_is_checked(count: str, failed: int, tmp_path: pathlib.Path) -> None:
    """By the half of preflight that runs inside ansible-core, and the one on the host."""
    port, status_port = free_ports(2)
    inputs = {"members": {"helloworld": ["localhost"], "nginx_lb": ["localhost"]}}
    recap = run_role(
        "preflight",
        inputs,
        tmp_path,
        *("-e", f"nginx_lb_port={port} nginx_lb_status_port={status_port}"),
        *("-e", f"helloworld_count={count} helloworld_my_host=localhost"),
    )
    assert (recap.changed, recap.failed) == (0, failed), recap.output
    assert ("helloworld_count" in recap.output) is bool(failed)
