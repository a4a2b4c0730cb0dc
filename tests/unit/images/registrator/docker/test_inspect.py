"""Docker's answer for one container, whatever the engine's version, as a container."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    an_id,
    inspected,
    settings,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.docker.inspect import container_from
from registrator.domain.model import Binding, Container, Port
from registrator.domain.plan import registration
from registrator.domain.services import services_of


def read(**changes: Any) -> Container:
    """The container behind Docker's answer."""
    found = container_from(inspected(**changes))
    assert found is not None
    return found


def test_a_container_is_read() -> None:
    """Docker's answer is reduced to what services are made of."""
    found = read(
        name="web",
        config={"Env": ["A=1"], "Labels": {"b": "2"}, "Image": "nginx:1.27"},
        ports={"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}]},
        networks={"bridge": {"IPAddress": "172.17.0.2"}},
    )
    assert found == Container(
        id=an_id("web"),
        name="web",
        image="nginx:1.27",
        hostname="c0ffee",
        network_mode="default",
        env=("A=1",),
        labels={"b": "2"},
        ports=(Port(80, "tcp", Binding("0.0.0.0", 32768)),),
        networks={"bridge": ("172.17.0.2",)},
    )


def test_a_bare_container_is_read() -> None:
    """Docker nulls what a container does not have."""
    found = read(config={"Env": None, "Labels": None, "ExposedPorts": None}, ports=None)
    assert (found.env, found.labels, found.ports, found.networks) == ((), {}, (), {})


@pytest.mark.parametrize("state", [{"Running": False}, {"Restarting": True}])
def test_a_container_that_does_not_run_is_none(state: dict[str, bool]) -> None:
    """It ended between the list and the look, or waits to be started again."""
    assert container_from(inspected(state=state)) is None


def test_a_paused_container_runs() -> None:
    """It has its ports and its addresses; what it is worth is for others to say."""
    assert read().paused is False
    assert read(state={"Paused": True, "Status": "paused"}).paused is True


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ({}, ""),
        ({"Health": None}, ""),
        ({"Health": {"Status": "none"}}, ""),
        ({"Health": {"Status": "starting"}}, "starting"),
        ({"Health": {"Status": "healthy"}}, "healthy"),
        ({"Health": {"Status": "unhealthy"}}, "unhealthy"),
    ],
)
def test_dockers_health_is_read(state: dict[str, Any], health: str) -> None:
    """A container without a HEALTHCHECK, or with a disabled one, has no health."""
    assert read(state=state).health == health


@pytest.mark.parametrize(
    ("exposed", "ports", "expected"),
    [
        ({"80/tcp": {}}, {"80/tcp": None}, [Port(80, "tcp")]),
        ({"80/tcp": {}}, {}, [Port(80, "tcp")]),
        ({}, {"80/tcp": [{"HostIp": "::", "HostPort": "1"}]}, [Port(80, "tcp", Binding("::", 1))]),
        ({}, {"80/tcp": [{"HostIp": "", "HostPort": ""}]}, [Port(80, "tcp")]),
        (
            {},
            {"80/tcp": [{"HostIp": "a", "HostPort": "1"}, {"HostIp": "b", "HostPort": "2"}]},
            [Port(80, "tcp", Binding("a", 1))],
        ),
        (
            {"443/tcp": {}, "53/sctp": {}, "53/udp": {}, "53/tcp": {}},
            {},
            [Port(53, "tcp"), Port(53, "udp"), Port(53, "sctp"), Port(443, "tcp")],
        ),
        (
            {"x/tcp": {}, "²/tcp": {}, "/tcp": {}, "0/tcp": {}, "70000/tcp": {}, "9": {}},
            {},
            [Port(9, "tcp")],
        ),
        (
            {},
            {"80/tcp": [{"HostIp": None, "HostPort": "²"}], "81/tcp": "x"},
            [Port(80, "tcp"), Port(81, "tcp")],
        ),
    ],
    ids=[
        *("unpublished", "only exposed", "published", "no host port", "two bindings", "sorted"),
        *("no ports", "no bindings"),
    ],
)
def test_ports_are_exposed_or_published(
    exposed: dict[str, Any], ports: dict[str, Any], expected: list[Port]
) -> None:
    """Each port appears once, in order, with the first place where the host publishes it."""
    assert list(read(config={"ExposedPorts": exposed}, ports=ports).ports) == expected


def test_on_the_hosts_network_an_exposed_port_is_the_hosts() -> None:
    """Nothing is published with --net=host and everything is reachable."""
    found = read(config={"ExposedPorts": {"80/tcp": {}}}, host={"NetworkMode": "host"})
    assert found.ports == (Port(80, "tcp", Binding("0.0.0.0", 80)),)


@pytest.mark.parametrize(
    ("mode", "ports", "binding"),
    [
        ("bridge", {}, None),
        ("none", {}, None),
        ("lan", {}, Binding("192.0.2.40", 80)),
        ("lan", {"80/tcp": None}, None),
        ("0123456789ab", {}, Binding("192.0.2.40", 80)),
    ],
    ids=["bridge", "none", "macvlan", "bridge of one's own", "network by identifier"],
)
def test_an_exposed_port_may_be_reached_without_being_published(
    mode: str, ports: dict[str, Any], binding: Binding | None
) -> None:
    """Where Docker lists no ports, containers stand in the network themselves, or nowhere."""
    found = read(
        config={"ExposedPorts": {"80/tcp": {}}},
        host={"NetworkMode": mode},
        ports=ports,
        networks={"lan": {"IPAddress": "192.0.2.40"}},
    )
    assert found.ports == (Port(80, "tcp", binding),)


def test_a_container_in_anothers_network_has_that_ones_addresses() -> None:
    """Docker says nothing of them: they are read from the container that was joined."""
    other = inspected(
        "other",
        ports={"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": None},
        networks={"bridge": {"IPAddress": "172.17.0.9"}},
    )
    entry = inspected(
        host={"NetworkMode": "container:" + other["Id"]},
        config={"ExposedPorts": {"80/tcp": {}, "9000/tcp": {}}},
    )
    found = container_from(entry, other)
    assert found is not None
    assert found.networks == {"bridge": ("172.17.0.9",)}
    assert found.ports == (
        Port(80, "tcp", Binding("0.0.0.0", 8080)),
        Port(9000, "tcp", Binding("0.0.0.0", 9000)),
    )


def test_a_container_in_the_network_of_one_on_the_hosts_is_on_the_hosts() -> None:
    """Who joins it is as reachable as it is."""
    other = inspected("other", host={"NetworkMode": "host"})
    exposes = {"ExposedPorts": {"80/tcp": {}}}
    entry = inspected(host={"NetworkMode": "container:" + other["Id"]}, config=exposes)
    found = container_from(entry, other)
    assert found is not None
    assert found.network_mode == "host"
    assert found.ports == (Port(80, "tcp", Binding("0.0.0.0", 80)),)


def test_addresses_are_read_from_the_networks() -> None:
    """Engine 29 gives no address at the top level any more (B13)."""
    found = read(
        networks={
            "a": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": "2001:db8::2"},
            "b": {"IPAddress": "", "GlobalIPv6Address": ""},
        }
    )
    assert found.networks == {"a": ("172.18.0.2", "2001:db8::2"), "b": ()}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ("SIGTERM", 10.0)),
        ({"StopSignal": "SIGWINCH", "StopTimeout": 60}, ("SIGWINCH", 60.0)),
        ({"StopSignal": "", "StopTimeout": None}, ("SIGTERM", 10.0)),
        ({"StopTimeout": 0}, ("SIGTERM", 0.0)),
        ({"StopTimeout": -1}, ("SIGTERM", -1.0)),
    ],
)
def test_how_a_container_is_stopped_is_read(
    config: dict[str, Any], expected: tuple[str, float]
) -> None:
    """A container's own stop signal and grace are known, Docker's defaults otherwise."""
    found = read(config=config)
    assert (found.stop_signal, found.stop_timeout) == expected


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["80/tcp", "53/udp", "²/x", "a", "HostPort"]), inner)
    ),
    max_leaves=8,
)
_PARTS = {
    "State": ["Running", "Paused", "Health"],
    "Config": ["Image", "Env", "Labels", "ExposedPorts", "StopSignal", "StopTimeout"],
    "HostConfig": ["NetworkMode"],
    "NetworkSettings": ["Ports", "Networks"],
}
_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "Id": _ANYTHING,
        "Name": _ANYTHING,
        **{
            part: st.fixed_dictionaries({}, optional=dict.fromkeys(keys, _ANYTHING)) | _ANYTHING
            for part, keys in _PARTS.items()
        },
    },
)


@given(_ANSWERS, _ANSWERS, st.booleans())
def test_no_answer_breaks_the_daemon(
    answer: dict[str, Any], other: dict[str, Any], internal: bool
) -> None:
    """Whatever stands in an inspect answer, services come of it or reasons: never an error."""
    state = answer.get("State")
    answer["State"] = {**(state if isinstance(state, dict) else {}), "Running": True}
    found = container_from(answer, other)
    offered = services_of(found, settings(internal=internal), HOST_IP)[0] if found else ()
    bodies = [json.dumps(registration(service, "host-1").body).encode() for service in offered]
    assert all(bodies)
