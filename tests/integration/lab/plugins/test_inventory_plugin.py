"""The lab's Consul as an inventory. Read only: others may run services beside the stack's."""

from __future__ import annotations

import ast
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from ..conftest import HOSTS, ROOT, Lab

PLUGIN = ROOT / "plugins" / "inventory" / "consul.py"
NODES = {f"consulserver-node{number}": address for number, address in enumerate(HOSTS.values(), 1)}
WEB = {"services": ["my-web-server"]}
# How the lab's own inventory logs in, as expressions.
LOGIN = {
    "ansible_user": "'root'",
    "ansible_python_interpreter": "'/usr/bin/python3'",
    "ansible_ssh_private_key_file": repr(str(ROOT / ".lab/ssh/id_ed25519")),
    "ansible_ssh_common_args": repr(f"-o UserKnownHostsFile={ROOT}/.lab/ssh/known_hosts"),
}

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., pathlib.Path]


def read(output: str) -> dict[str, Any]:
    """What ansible-inventory --list says, with the texts that it marks as no templates as texts."""
    found: dict[str, Any] = json.loads(
        output, object_hook=lambda each: each.get("__ansible_unsafe", each)
    )
    return found


def examples() -> list[str]:
    """The plugin's EXAMPLES, each as it stands."""
    for node in ast.parse(PLUGIN.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            assert isinstance(node.value, ast.Constant)
            return str(node.value.value).split("\n---\n")
    raise AssertionError("no EXAMPLES")


@pytest.fixture
def run(lab: Lab, tmp_path: pathlib.Path) -> Run:
    """Run a command in the checkout, with the lab's agent in the environment."""

    def command(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=ROOT,
            env={
                **os.environ,
                **lab.profile.environment(HOSTS["host-1"]),
                "CONSUL_HOST": HOSTS["host-1"],
                "HOME": str(tmp_path),
            },
            check=check,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return command


@pytest.fixture
def write(tmp_path: pathlib.Path) -> Write:
    """Write a file of options."""

    def file(**options: Any) -> pathlib.Path:
        path = tmp_path / "lab.consul.yml"
        path.write_text(yaml.safe_dump({"plugin": "rollcall.discovery.consul", **options}))
        return path

    return file


@pytest.fixture
def listed(run: Run, write: Write) -> Callable[..., dict[str, Any]]:
    """What ansible-inventory --list says of these options."""

    def answer(**options: Any) -> dict[str, Any]:
        return read(run("ansible-inventory", "-i", str(write(**options)), "--list").stdout)

    return answer


def test_the_graph_shows_the_nodes_in_their_groups(run: Run, write: Write) -> None:
    """Three servers, each under its tag."""
    graph = run("ansible-inventory", "-i", str(write(filters=WEB)), "--graph").stdout
    groups = {
        name: set(re.findall(r"--([^@\s]+)$", block, re.M))
        for name, block in re.findall(r"--@(\w+):((?:\n  \|  \|--[^@\s]+)+)", graph)
    }
    assert groups["consul_service_my_web_server"] == set(NODES)
    assert groups["consul_role_server"] == groups["consul_datacenter_dc1"] == set(NODES)
    for number, name in enumerate(NODES, 1):
        assert name in groups[f"consul_tag_backend_{number}"]


def test_the_list_has_addresses_ports_and_health(listed: Callable[..., dict[str, Any]]) -> None:
    """Of every web server that passes, as Consul itself has it."""
    known = listed(filters={**WEB, "passing_only": True})["_meta"]["hostvars"]
    assert {name: values["ansible_host"] for name, values in known.items()} == NODES
    for values in known.values():
        assert values["consul_health"] == "passing"
        for service in values["consul_services"]:
            assert service["name"] == "my-web-server"
            assert service["port"] > 1024
            assert service["meta"]["registrator-owner"].startswith("registrator-")


def test_every_text_of_the_catalog_is_marked_as_no_template(run: Run, write: Write) -> None:
    """As ansible-inventory shows it, so that an exported inventory stays as harmless."""
    output = run("ansible-inventory", "-i", str(write(filters=WEB)), "--list").stdout
    services = json.loads(output)["_meta"]["hostvars"]["consulserver-node2"]["consul_services"]
    tags = [tag for service in services for tag in service["tags"]]
    assert {"__ansible_unsafe": "backend-2"} in tags
    assert all(tag.keys() == {"__ansible_unsafe"} for tag in tags)


def test_each_instance_is_a_host(listed: Callable[..., dict[str, Any]]) -> None:
    """With a name that host patterns can hold, though registrator's identifiers have colons."""
    found = listed(hosts=["instances"], filters=WEB)
    names = found["consul_service_my_web_server"]["hosts"]
    assert len(names) >= len(NODES)
    assert all(re.fullmatch(r"registrator-\d_[\w.-]+", name) for name in names)


def test_keyed_groups_and_expressions_go_by_the_variables(
    listed: Callable[..., dict[str, Any]],
) -> None:
    """A group for each version of Consul, and one for each owner of a web server."""
    found = listed(
        filters=WEB,
        keyed_groups=[
            {"key": "consul_meta['consul-version']", "prefix": "version"},
            {"key": "consul_services | map(attribute='meta.registrator-owner')", "prefix": "by"},
        ],
        groups={"first": "consul_address == '%s'" % HOSTS["host-1"]},  # noqa: UP031  braces are Jinja's
        strict=True,
    )
    assert found["first"]["hosts"] == ["consulserver-node1"]
    assert "consulserver-node2" in found["by_registrator_2"]["hosts"]
    assert any(name.startswith("version_1_") for name in found)


def test_consuls_own_expressions_choose(listed: Callable[..., dict[str, Any]]) -> None:
    """For nodes, and for instances."""
    one = listed(filters={"node_expression": 'Node == "consulserver-node2"'})
    assert set(one["_meta"]["hostvars"]) == {"consulserver-node2"}
    tagged = listed(filters={**WEB, "service_expression": '"backend-3" in Service.Tags'})
    assert set(tagged["_meta"]["hostvars"]) == {"consulserver-node3"}


@pytest.mark.parametrize("key", ["node_expression", "service_expression"])
def test_a_wrong_expression_is_told(run: Run, write: Write, key: str) -> None:
    """With what Consul says of it."""
    path = write(filters={key: "Nope == 1"})
    result = run("ansible-inventory", "-i", str(path), "--list", check=False)
    assert result.returncode != 0
    told = " ".join(result.stderr.split())
    assert f"inventory from Consul with {path}: GET /v1/" in told
    assert "Correct the filter 'Nope == 1'" in told
    assert "consul_cluster_status" not in told


def test_ping_reaches_a_host(run: Run, write: Write) -> None:
    """At the address of the catalog, with the lab's way to log in."""
    path = write(filters=WEB, compose=LOGIN)
    output = run("ansible", "-i", str(path), "consul_tag_backend_1", "-m", "ping").stdout
    assert "consulserver-node1 | SUCCESS" in output
    assert '"ping": "pong"' in output or "ping: pong" in output


@pytest.fixture
def door(lab: Lab) -> Iterator[http.server.ThreadingHTTPServer]:
    """A way to the agent that can be shut."""

    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = lab.ask(self.path).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_cache_answers_when_the_agent_is_gone(
    run: Run, write: Write, tmp_path: pathlib.Path, door: http.server.ThreadingHTTPServer
) -> None:
    """The second call knows all that the first did, and a fresh question is told to fail."""
    path = write(
        url=f"http://127.0.0.1:{door.server_port}",
        filters=WEB,
        cache=True,
        cache_plugin="ansible.builtin.jsonfile",
        cache_connection=str(tmp_path / "cache"),
    )
    command = ("ansible-inventory", "-i", str(path), "--list")
    first = run(*command).stdout
    door.shutdown()
    door.server_close()
    assert run(*command).stdout == first
    fresh = run(*command, "--flush-cache", check=False)
    assert fresh.returncode != 0
    assert "Check that a Consul agent listens there" in " ".join(fresh.stderr.split())


@pytest.mark.parametrize("text", examples(), ids=lambda text: re.findall(r"# (.*)", text)[0][:40])
def test_an_example_lists(lab: Lab, run: Run, tmp_path: pathlib.Path, text: str) -> None:
    """As it stands, and finds the lab's nodes; where the agent listens is the profile's to say."""
    path = tmp_path / "consul.yml"
    scheme, port = lab.profile.url("*").split("*")
    path.write_text(text.replace('"http://', f'"{scheme}').replace(':8500"', f'{port}"'))
    result = run("ansible-inventory", "-i", str(path), "--list")
    assert "WARNING" not in result.stderr
    known = read(result.stdout)["_meta"]["hostvars"]
    assert {values["consul_node"] for values in known.values()} == set(NODES)


def test_the_documentation_renders(run: Run) -> None:
    """With the fragment's options."""
    output = run("ansible-doc", "-t", "inventory", "rollcall.discovery.consul").stdout
    for option in ("hostnames", "token_file", "keyed_groups", "cache_timeout"):
        assert re.search(rf"^\s+{option}\b", output, re.M)
