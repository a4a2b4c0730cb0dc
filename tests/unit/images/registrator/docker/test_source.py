"""Docker's answers as containers, and its events as nudges."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import docker
import docker.errors
import pytest
import requests
from ansible_collections.rollcall.discovery.tests.support.registrator import fakes
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import inspected
from registrator.docker.source import DockerSource
from registrator.domain.interfaces import SourceError


class Engine(fakes.Engine):
    """An engine that remembers how it was asked."""

    filters: Mapping[str, Any]
    options: dict[str, Any]

    def connect(self, **options: Any) -> Engine:
        """What docker.APIClient() gives."""
        self.options = options
        super().connect()
        return self

    def containers(self, filters: Mapping[str, Any]) -> list[dict[str, str]]:
        """The list of what runs."""
        self.filters = filters
        return super().containers(filters)


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


def test_what_runs_is_listed(engine: Engine, source: DockerSource) -> None:
    """Running containers are listed by identifier, paused ones with them."""
    engine.found = {"1": inspected("web"), "2": inspected("shop")}
    assert source.ids() == ["1", "2"]
    assert engine.filters == {"status": ["running", "paused"]}


def test_a_container_is_looked_at(engine: Engine, source: DockerSource) -> None:
    """An identifier becomes what Docker says of it now."""
    engine.found = {"1": inspected("web")}
    found = source.inspect("1")
    assert found is not None
    assert found.name == "web"


@pytest.mark.parametrize(
    "answer",
    [docker.errors.NotFound("no such container"), inspected(state={"Running": False})],
    ids=["not found", "not running"],
)
def test_a_container_that_went_away_is_none(
    engine: Engine, source: DockerSource, answer: Any
) -> None:
    """Not found means gone, and not running means gone."""
    engine.found = {"1": answer}
    assert source.inspect("1") is None


def test_the_container_whose_network_was_joined_is_looked_at_too(
    engine: Engine, source: DockerSource
) -> None:
    """Its addresses are the only ones there are."""
    other = inspected("other", networks={"bridge": {"IPAddress": "172.17.0.9"}})
    engine.found = {"1": inspected(host={"NetworkMode": "container:2"}), "2": other}
    found = source.inspect("1")
    assert found is not None
    assert found.networks == {"bridge": ("172.17.0.9",)}


def test_the_container_whose_network_was_joined_may_be_gone(
    engine: Engine, source: DockerSource
) -> None:
    """Then there is no address, and that is no error."""
    gone = docker.errors.NotFound("no such container")
    engine.found = {"1": inspected(host={"NetworkMode": "container:2"}), "2": gone}
    found = source.inspect("1")
    assert found is not None
    assert found.networks == {}


@pytest.mark.parametrize(
    "error",
    [
        docker.errors.APIError("500"),
        requests.ConnectionError("reset"),
        TimeoutError("slow"),
        ValueError("no JSON"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_container_that_cannot_be_read_is_not_gone(
    engine: Engine, source: DockerSource, error: Exception
) -> None:
    """Only "not found" means gone: whatever else goes wrong is told as trouble with Docker."""
    engine.found = {"1": error, "2": inspected(host={"NetworkMode": "container:1"})}
    for look in (source.inspect, source.exit_code):
        with pytest.raises(SourceError, match=r"Docker at unix:///run/docker\.sock"):
            look("1")
    with pytest.raises(SourceError):
        source.inspect("2")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (inspected(state={"Running": False, "ExitCode": 0}), 0),
        (inspected(state={"Running": False, "ExitCode": 137}), 137),
        (inspected(state={"Running": False}), None),
        (docker.errors.NotFound("no such container"), None),
    ],
    ids=["well", "killed", "unknown", "gone"],
)
def test_how_a_container_ended_is_read(
    engine: Engine, source: DockerSource, answer: Any, code: int | None
) -> None:
    """The exit code decides whether -deregister=on-success keeps the service."""
    engine.found = {"web": answer}
    assert source.exit_code("web") == code


def test_a_container_that_runs_has_no_exit_code(engine: Engine, source: DockerSource) -> None:
    """It was started again: nothing is concluded from the code Docker still shows."""
    engine.found = {"web": inspected(state={"ExitCode": 0})}
    with pytest.raises(SourceError, match="container web is still running"):
        source.exit_code("web")


def test_a_connection_is_kept(engine: Engine, source: DockerSource) -> None:
    """Two looks talk through one client, and a refusal is no reason to leave it."""
    engine.found = {"1": docker.errors.APIError("500")}
    source.ids()
    with pytest.raises(SourceError):
        source.inspect("1")
    source.ids()
    assert engine.clients == 1


def test_a_broken_connection_is_made_anew(engine: Engine, source: DockerSource) -> None:
    """A restarted engine has another socket of the same name (B8)."""
    engine.down = requests.ConnectionError("gone")
    with pytest.raises(SourceError):
        source.ids()
    engine.down = None
    assert source.ids() == []
    assert engine.clients == 2


def test_an_engine_can_be_spoken_to_over_tls(engine: Engine, tmp_path: pathlib.Path) -> None:
    """The three files of DOCKER_CERT_PATH are the ones that Docker's own client uses."""
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("", encoding="utf-8")
    source = DockerSource("tcp://engine:2376", 1.0, tls_verify=True, cert_path=str(tmp_path))
    source.ids()
    assert engine.options["tls"].cert == (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert engine.options["tls"].ca_cert == str(tmp_path / "ca.pem")
    assert engine.options["tls"].verify is True


def test_missing_certificates_are_trouble_with_docker(
    engine: Engine, tmp_path: pathlib.Path
) -> None:
    """They may be mounted in a moment: the daemon waits as for an engine that is away."""
    source = DockerSource("tcp://engine:2376", 1.0, tls_verify=True, cert_path=str(tmp_path))
    with pytest.raises(SourceError, match="TLS"):
        source.ids()
    assert engine.clients == 0


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
    "action",
    [
        *("start", "die", "kill", "pause", "unpause", "rename", "destroy", "update"),
        "health_status",
    ],
)
def test_what_changes_services_is_heard(engine: Engine, source: DockerSource, action: str) -> None:
    """Actions come with the container they happened to, read from Action and Actor (B13)."""
    assert heard(engine, source, happened(action)) == [(action, "c0ffee", {})]


@pytest.mark.parametrize("action", ["create", "attach", "exec_start: sh", "exec_die", "", None])
def test_what_changes_nothing_is_not_heard(
    engine: Engine, source: DockerSource, action: str
) -> None:
    """A container's probes for its health nudge nobody twice a minute."""
    assert heard(engine, source, happened(action)) == []


def test_a_change_of_health_is_heard(engine: Engine, source: DockerSource) -> None:
    """The action carries the health after a colon; what counts is that it changed (B13)."""
    assert heard(engine, source, happened("health_status: healthy")) == [
        ("health_status", "c0ffee", {})
    ]


def test_a_signal_is_heard_with_its_number(engine: Engine, source: DockerSource) -> None:
    """The attributes tell a stop from a reload."""
    event = happened("kill", signal="15")
    assert heard(engine, source, event) == [("kill", "c0ffee", {"signal": "15"})]


def test_an_event_without_an_actor_is_still_a_nudge(engine: Engine, source: DockerSource) -> None:
    """Something happened, and a look at everything tells what."""
    assert heard(engine, source, {"Action": "start"}) == [("start", "", {})]
    assert heard(engine, source, {"Action": "start", "Actor": None}) == [("start", "", {})]


def test_a_stream_that_ends_is_told(engine: Engine, source: DockerSource) -> None:
    """The end of the events is never the end of the containers."""
    with pytest.raises(SourceError, match="closed the event stream"):
        list(source.events())


def test_a_stream_that_breaks_is_told(engine: Engine, source: DockerSource) -> None:
    """A broken connection is no other error than one that was closed."""
    engine.stream = [requests.ConnectionError("reset by peer")]
    with pytest.raises(SourceError, match="reset by peer"):
        list(source.events())
