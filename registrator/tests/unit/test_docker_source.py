"""Docker's answers as containers, and its events as nudges."""

from __future__ import annotations

from typing import Any

import docker
import docker.errors
import pytest
import requests
from registrator.docker_source import DockerSource, container_from
from registrator.model import Binding, Container, Port
from registrator.ports import SourceError

from .builders import an_id, inspected
from .fakes import Engine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine that every client talks to."""
    engine = Engine()
    monkeypatch.setattr(docker, "APIClient", engine.connect)
    return engine


@pytest.fixture
def source(engine: Engine) -> DockerSource:
    """That engine as a source."""
    return DockerSource("unix:///run/docker.sock", 1.0)


def read(**changes: Any) -> Container:
    """The container behind Docker's answer."""
    found = container_from(inspected(**changes))
    assert found is not None
    return found


# One container.


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


def test_a_container_that_no_longer_runs_is_none() -> None:
    """It ended between the list and the look."""
    assert container_from(inspected(state={"Running": False})) is None


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
            {"443/tcp": {}, "53/udp": {}, "53/tcp": {}},
            {},
            [Port(53, "tcp"), Port(53, "udp"), Port(443, "tcp")],
        ),
    ],
    ids=["unpublished", "only exposed", "published", "no host port", "two bindings", "sorted"],
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
    ],
)
def test_how_a_container_is_stopped_is_read(
    config: dict[str, Any], expected: tuple[str, float]
) -> None:
    """A container's own stop signal and grace are known, Docker's defaults otherwise."""
    found = read(config=config)
    assert (found.stop_signal, found.stop_timeout) == expected


# All of them.


def names(source: DockerSource) -> list[str]:
    """The names of the running containers."""
    return [entry.name for entry in source.running()]


def test_what_runs_is_listed(engine: Engine, source: DockerSource) -> None:
    """Every container of the list is looked at."""
    engine.found = {"1": inspected("web"), "2": inspected("shop")}
    assert names(source) == ["web", "shop"]


def test_a_container_that_went_away_is_left_out(engine: Engine, source: DockerSource) -> None:
    """Not found means gone, and not running means gone."""
    engine.found = {
        "1": inspected("web"),
        "2": docker.errors.NotFound("no such container"),
        "3": inspected("shop", state={"Running": False}),
    }
    assert names(source) == ["web"]


@pytest.mark.parametrize(
    "error",
    [docker.errors.APIError("500"), requests.ConnectionError("reset"), TimeoutError("slow")],
    ids=lambda error: type(error).__name__,
)
def test_a_container_that_cannot_be_read_hides_all(
    engine: Engine, source: DockerSource, error: Exception
) -> None:
    """Half an answer would deregister what runs: there is none instead."""
    engine.found = {"1": inspected("web"), "2": error}
    with pytest.raises(SourceError, match=r"Docker at unix:///run/docker\.sock"):
        source.running()


def test_a_connection_is_kept(engine: Engine, source: DockerSource) -> None:
    """Two cycles talk through one client."""
    source.running()
    source.running()
    assert engine.clients == 1


def test_a_broken_connection_is_made_anew(engine: Engine, source: DockerSource) -> None:
    """A restarted engine has another socket of the same name (B8)."""
    engine.down = requests.ConnectionError("gone")
    with pytest.raises(SourceError):
        source.running()
    engine.down = None
    assert names(source) == []
    assert engine.clients == 2


# Events.


def heard(engine: Engine, source: DockerSource, *events: Any) -> list[tuple[str, str, Any]]:
    """What comes of a stream up to its end, after the subscription."""
    engine.stream = list(events)
    found: list[tuple[str, str, Any]] = []
    with pytest.raises(SourceError):
        # What came before the error is kept.
        found.extend(source.events())
    assert found[0] == ("subscribed", "", {})
    return found[1:]


def happened(action: str, **attributes: str) -> dict[str, Any]:
    """An event as Engine 29 sends it: without the old top-level status and id."""
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": "c0ffee", "Attributes": attributes},
    }


@pytest.mark.parametrize(
    "action", ["start", "die", "kill", "pause", "unpause", "rename", "destroy", "update"]
)
def test_what_changes_services_is_heard(engine: Engine, source: DockerSource, action: str) -> None:
    """Actions come with the container they happened to, read from Action and Actor (B13)."""
    assert heard(engine, source, happened(action)) == [(action, "c0ffee", {})]


@pytest.mark.parametrize("action", ["create", "attach", "exec_start: sh", "health_status: healthy"])
def test_what_changes_nothing_is_not_heard(
    engine: Engine, source: DockerSource, action: str
) -> None:
    """A container's health checks nudge nobody twice a minute."""
    assert heard(engine, source, happened(action)) == []


def test_a_signal_is_heard_with_its_number(engine: Engine, source: DockerSource) -> None:
    """The attributes tell a stop from a reload."""
    event = happened("kill", signal="15")
    assert heard(engine, source, event) == [("kill", "c0ffee", {"signal": "15"})]


def test_an_event_without_an_actor_is_still_a_nudge(engine: Engine, source: DockerSource) -> None:
    """Something happened, and a look at everything tells what."""
    assert heard(engine, source, {"Action": "start"}) == [("start", "", {})]


def test_a_stream_that_ends_is_told(engine: Engine, source: DockerSource) -> None:
    """The end of the events is never the end of the containers."""
    with pytest.raises(SourceError, match="closed the event stream"):
        list(source.events())


def test_a_stream_that_breaks_is_told(engine: Engine, source: DockerSource) -> None:
    """A broken connection is no other error than one that was closed."""
    engine.stream = [requests.ConnectionError("reset by peer")]
    with pytest.raises(SourceError, match="reset by peer"):
        list(source.events())
