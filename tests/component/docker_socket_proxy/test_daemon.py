"""Registrator's own client, through the proxy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import (
    WEB,
    described,
    happened,
)
from registrator.docker.source import DockerSource
from registrator.domain.interfaces import SourceError

from .fake_engine import answer
from .stage import Stage


@pytest.fixture
def source(stage: Stage) -> Iterator[DockerSource]:
    """The daemon's source of containers, at the proxy's socket."""
    source = DockerSource(f"unix://{stage.path}", 5.0)
    yield source
    # Its sockets would be closed whenever Python gets to it.
    if source._client is not None:
        source._client.close()


def test_it_lists_and_inspects(stage: Stage, source: DockerSource) -> None:
    """What runs, and of each what makes services."""
    assert source.ids() == [WEB]
    container = source.inspect(WEB)
    assert container is not None
    assert (container.name, container.env) == ("web", ("SERVICE_NAME=web", "SERVICE_80_TAGS=a,b"))
    assert container.labels == {"SERVICE_80_NAME": "shop", "address": "10.0.0.9"}
    assert [port.number for port in container.ports] == [80, 443]
    assert (container.stop_signal, container.stop_timeout, container.health) == (
        *("SIGQUIT", 30.0, "healthy"),
    )
    assert stage.log == []


def test_what_is_gone_is_gone(source: DockerSource) -> None:
    """By identifier and by name."""
    assert source.inspect("f" * 64) is None
    assert source.exit_code("gone") is None


def test_how_a_container_ended_is_read(stage: Stage, source: DockerSource) -> None:
    """-deregister=on-success works behind the proxy."""
    ended = described(State={"Running": False, "ExitCode": 137})
    stage.engine.answers["/containers/web/json"] = answer(ended)
    assert source.exit_code("web") == 137


def test_whose_network_it_joins_is_read_too(stage: Stage, source: DockerSource) -> None:
    """Two questions, both allowed."""
    joined = described(HostConfig={"NetworkMode": f"container:{WEB}"})
    stage.engine.answers["/containers/web/json"] = answer(joined)
    container = source.inspect("web")
    assert container is not None
    assert container.networks == {"bridge": ("172.17.0.2",)}


def test_it_hears_what_happens(stage: Stage, source: DockerSource) -> None:
    """The subscription stands at once, and events come with their signal."""
    stream = source.events()
    assert next(stream) == ("subscribed", "", {})
    heard: list[Any] = []
    reading = threading.Thread(target=lambda: heard.extend([next(stream), next(stream)]))
    reading.start()
    stage.engine.tell(happened("kill", signal="15", image="nginx"), happened("exec_die"))
    stage.engine.tell(happened("die", exitCode="0"))
    reading.join(5)
    assert heard == [("kill", WEB, {"signal": "15"}), ("die", WEB, {})]
    stage.engine.end_stream()
    with pytest.raises(SourceError, match="closed the event stream"):
        next(stream)


def test_an_engine_that_is_away_is_no_end_of_anything(stage: Stage, source: DockerSource) -> None:
    """Nothing is known then; when it is back all is as before, over the same connection."""
    assert source.ids() == [WEB]
    stage.engine.stop()
    for look in (source.ids, lambda: source.inspect(WEB)):
        with pytest.raises(SourceError, match="docker-socket-proxy: the engine at"):
            look()
    stage.engine.start()
    assert source.ids() == [WEB]


def test_an_engine_that_dies_ends_the_events_in_words(stage: Stage, source: DockerSource) -> None:
    """The listener knows what to do with that, and nothing else."""
    stream = source.events()
    next(stream)
    assert stage.engine.listening.wait(5)
    stage.engine.stop()
    with pytest.raises(SourceError):
        next(stream)


def test_what_it_never_asks_it_cannot_ask(stage: Stage) -> None:
    """A daemon that was taken over holds the same client, and gets nowhere with it."""
    client = docker.APIClient(base_url=f"unix://{stage.path}", version="auto", timeout=5)
    try:
        attempts = (
            lambda: client.create_container("alpine", "sh"),
            lambda: client.start(WEB),
            lambda: client.exec_create(WEB, "sh"),
            lambda: client.top(WEB),
            lambda: client.diff(WEB),
            lambda: client.get_archive(WEB, "/etc/shadow"),
            lambda: list(client.export(WEB)),
            lambda: client.images(),
            lambda: client.info(),
            lambda: client.containers(all=True),
            lambda: client.containers(size=True),
            lambda: client.commit(WEB),
        )
        for attempt in attempts:
            with pytest.raises(docker.errors.APIError) as refused:
                attempt()
            assert refused.value.status_code == 403
    finally:
        client.close()
    assert stage.engine.asked == ["GET /version"]
