"""All containers of a host in a few words."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container_list import (
    list_containers,
    summary,
)


def inspected(name: str = "web-1", **changes: t.Any) -> dict[str, t.Any]:
    """A container as Docker's inspect shows it."""
    return {
        "Name": f"/{name}",
        "Config": {"Image": "web:1", "Labels": {"rollcall.owner": "web"}},
        "State": {"Status": "running", "Health": {"Status": "healthy"}},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}], "81/tcp": None},
            "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "none": {"IPAddress": ""}},
        },
        **changes,
    }


def test_a_container_is_told_in_plain_values() -> None:
    """Published ports only."""
    assert summary(inspected()) == {
        "name": "web-1",
        "image": "web:1",
        "owner": "web",
        "status": "running",
        "health": "healthy",
        "addresses": ["172.17.0.2"],
        "ports": [{"host": 32768, "container": 80}],
    }


def test_a_port_that_two_addresses_publish_is_one() -> None:
    """IPv4 and IPv6."""
    twice = [{"HostIp": each, "HostPort": "5"} for each in ("0.0.0.0", "::")]
    told = summary(inspected(NetworkSettings={"Ports": {"80/tcp": twice}}))
    assert told["ports"] == [{"host": 5, "container": 80}]


def test_on_the_hosts_network_an_exposed_port_is_the_hosts() -> None:
    """Nothing is published there."""
    config = {"Image": "lb", "ExposedPorts": {"80/tcp": {}, "53/udp": {}}}
    told = summary(inspected(Config=config, HostConfig={"NetworkMode": "host"}))
    assert told["ports"] == [{"host": 53, "container": 53}, {"host": 80, "container": 80}]


@pytest.mark.parametrize("found", [{}, {"Config": None, "State": None, "NetworkSettings": None}])
def test_what_docker_does_not_tell_is_empty(found: dict[str, t.Any]) -> None:
    """A container that is being removed has little to say."""
    told = summary(found)
    assert (told["name"], told["owner"], told["status"], told["ports"]) == ("", "", "", [])


def test_what_is_gone_by_now_is_left_out() -> None:
    """The list is older than the look."""

    @dataclasses.dataclass(frozen=True)
    class Entry:
        id: str

    class FakeEngine:
        def containers(self) -> list[Entry]:
            return [Entry("b"), Entry("gone"), Entry("a")]

        def inspect(self, name: str) -> dict[str, t.Any]:
            return {} if name == "gone" else inspected(name)

    assert [each["name"] for each in list_containers(FakeEngine())] == ["a", "b"]
