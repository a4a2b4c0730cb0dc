"""Errors a person makes get a clear message before anything changes."""

from __future__ import annotations

import concurrent.futures
import functools
import json
import pathlib

import pytest

from ..conftest import Lab, Recap

MISTAKES = {
    "two hosts of one address": (
        {"ansible_host": "10.111.152.136"},
        "address 10.111.152.136 is used by host-1 and host-2 and host-3",
    ),
    "two agents of one name": (
        {"consul_server_node_name": "consulserver-node1"},
        "node name consulserver-node1 is used by host-1 and host-2 and host-3",
    ),
    "two Registrators of one name": (
        {"registrator_hostname": "registrator"},
        "Registrator host name registrator is used by host-1 and host-2 and host-3",
    ),
    "a balancer of the web service's name": (
        {"nginx_lb_service_name": "my-web-server"},
        "service my-web-server is registered by helloworld and nginx_lb",
    ),
    "a balancer of its own name": (
        {"nginx_lb_service": "nginx-lb"},
        "nginx_lb_service_name nginx-lb is also a service to balance",
    ),
    "no server": (
        {"rollcall_consul_servers": "docker_hosts:!docker_hosts"},
        "no host is a Consul server",
    ),
    "bootstrap_expect above the servers": (
        {"consul_server_bootstrap_expect": 5},
        "bootstrap_expect is 5, but the inventory has 3 Consul servers",
    ),
    "a port in use": (
        {"nginx_lb_port": 22},
        "port 22/tcp is in use by sshd (process",
    ),
    "a port that two roles want": (
        {"nginx_lb_port": 8500},
        "port 8500/tcp is used by consul_server and nginx_lb",
    ),
    "no Docker, and installing switched off": (
        {"docker_host_install": "false", "preflight_docker_socket": "/run/no-docker.sock"},
        "no Docker Engine answers at /run/no-docker.sock, and docker_host_install is false",
    ),
    "a registry that does not answer": (
        {"helloworld_image": "10.111.152.136:5999/rollcall/helloworld:1.0.0"},
        "image 10.111.152.136:5999/rollcall/helloworld:1.0.0 cannot be pulled",
    ),
    "an image that is nowhere": (
        {"helloworld_image": "10.111.152.2:5000/rollcall/nothing:1.0.0"},
        "image 10.111.152.2:5000/rollcall/nothing:1.0.0 cannot be pulled",
    ),
    "an image that must not be pulled": (
        {"helloworld_image": "nothing:1", "helloworld_pull": "never"},
        "image nothing:1 is not on this host and its pull policy is 'never'",
    ),
    "an address of somebody else": (
        {"consul_server_advertise": "{{ '203.0.113.' ~ rollcall_index }}"},
        "the advertise address 203.0.113.1 of consul_server is not an address of this host",
    ),
    "a mistyped variable": (
        {"helloworld_cuont": 3},
        "variable helloworld_cuont is unknown to every role; did you mean helloworld_count?",
    ),
    "a value of another type": (
        {"consul_server_http_port": "many"},
        "argument 'consul_server_http_port' is of type str and we were unable to convert to int",
    ),
    "a choice there is not": (
        {"registrator_deregister": "never"},
        "value of registrator_deregister must be one of",
    ),
    "a required variable that is empty of sense": (
        {"consul_server_retry_join": "{{ no_such_list }}"},
        "variable consul_server_retry_join has no value",
    ),
}


@pytest.fixture(scope="module")
def refused(lab: Lab) -> dict[str, Recap]:
    """Every mistake made, two at a time: none of them changes what another one finds."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        variables = (json.dumps(variables) for variables, _message in MISTAKES.values())
        recaps = pool.map(functools.partial(lab.converge, "-e"), variables)
        return dict(zip(MISTAKES, recaps, strict=True))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_before_anything_changes(
    refused: dict[str, Recap], mistake: str
) -> None:
    """The run ends at the first play, with one sentence that says what to do."""
    _variables, message = MISTAKES[mistake]
    recap = refused[mistake]
    assert message in _text(recap)
    assert (recap.failed > 0, sum(recap.changed.values())) == (True, 0)
    assert "Install Docker Engine and the Python libraries" not in recap.output


def test_a_host_that_stands_twice_in_a_file_is_refused(lab: Lab, tmp_path: pathlib.Path) -> None:
    """The second entry does not silently win over the first."""
    entry = "    host-1:\n      ansible_host: 10.111.152.{}\n"
    text = "all:\n  hosts:\n" + entry.format(136) + entry.format(135)
    (tmp_path / "hosts.yml").write_text(text)
    recap = lab.play("site.yml", inventory=str(tmp_path))
    assert recap.failed
    assert "host-1" in recap.output


def test_an_even_number_of_servers_is_told_what_it_tolerates(lab: Lab) -> None:
    """Two servers are allowed, and the warning says that they survive no loss."""
    two = {"rollcall_consul_servers": "host-1:host-2", "consul_server_bootstrap_expect": 2}
    recap = lab.play("playbooks/preflight.yml", "-e", json.dumps(two))
    assert not recap.failed
    assert "2 Consul servers: the cluster tolerates the loss of no server" in _text(recap)


def _text(recap: Recap) -> str:
    """The output without the line breaks that its formatting adds."""
    return " ".join(recap.output.replace("''", "'").split())
