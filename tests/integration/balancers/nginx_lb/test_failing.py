"""What clients ask for takes no instance out; connections that fail do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

WEB = [{"name": "web", "read_timeout": "1s"}]
BAD_URLS = [
    "/?code=500",
    "/?code=502",
    "/?code=503",
    "/?code=504",
    "/?seconds=3",
    "/break",
    "/header",
]


class Closing:
    """A port that accepts every connection and closes it at once, as docker-proxy does."""

    def __init__(self) -> None:
        """Listen at once."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            connection.close()

    def end(self) -> None:
        """Listen no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def closing() -> Iterator[Closing]:
    """One such port."""
    made = Closing()
    yield made
    made.end()


@pytest.mark.parametrize("url", BAD_URLS)
def test_one_bad_url_harms_nobody(stage: NginxStage, url: str) -> None:
    """Asked twenty times in a row beside others: they are all answered, and nobody is out."""
    for name in ("one", "two", "three"):
        stage.backend(name)
    stage.start(services=WEB)
    stage.serving("one", "two", "three")
    load = Load(stage.place.address, stage.port, rate=50)
    asked = [threading.Thread(target=stage.get, args=(url,)) for _ in range(20)]
    for each in asked:
        each.start()
    for each in asked:
        each.join()
    load.reaches(len(load.samples) + 50)
    assert failures(load.end()) == []
    assert stage.down() == set()
    assert stage.names() == {"one", "two", "three"}


def test_an_answer_is_asked_for_elsewhere_once(stage: NginxStage) -> None:
    """Of three instances two see a GET that is answered with 503."""
    backends = [stage.backend(name) for name in ("one", "two", "three")]
    stage.start(services=WEB)
    stage.serving("one", "two", "three")
    for each in backends:
        each.seen.clear()
    assert stage.get("/?code=503").status == 503
    assert sorted(len(each.seen) for each in backends) == [0, 1, 1]


def test_a_service_may_do_without_a_second_try(stage: NginxStage) -> None:
    """retry_on without http_503."""
    backends = [stage.backend(name) for name in ("one", "two")]
    stage.start(services=[{"name": "web", "retry_on": ["error", "timeout"]}])
    stage.serving("one", "two")
    for each in backends:
        each.seen.clear()
    assert stage.get("/?code=503").status == 503
    assert sorted(len(each.seen) for each in backends) == [0, 1]


def test_an_instance_that_refuses_is_out_until_it_is_back(stage: NginxStage) -> None:
    """One request finds out, for all workers; then only probes ask it, and it is back by itself."""
    stage.backend("one")
    dead = stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    port = dead.port
    stage.kill(dead)
    load = Load(stage.place.address, stage.port, rate=50)
    stage.sees("the mark", lambda: stage.down() == {f"127.0.0.1:{port}"})
    load.reaches(len(load.samples) + 20)
    assert failures(load.end()) == []
    again = stage.backend("two", port=port)
    assert again.port == port
    stage.sees("no mark", lambda: stage.down() == set())
    stage.serving("one", "two")


def test_an_instance_that_closes_every_connection_is_out(
    stage: NginxStage, closing: Closing
) -> None:
    """It accepts, so nobody is refused: a connection that asks for nothing is not kept open."""
    stage.backend("one")
    stage.agent.register("web", "closing", Address="127.0.0.1", Port=closing.port)
    stage.start(services=WEB)
    stage.rotates(web=2)
    for _ in range(4):
        assert stage.get().text == "one /"
    stage.sees("the mark", lambda: stage.down() == {f"127.0.0.1:{closing.port}"})


def test_an_instance_that_breaks_posts_is_found_too(stage: NginxStage, closing: Closing) -> None:
    """A POST is not tried again, so its failure is the last of its request."""
    stage.agent.register("web", "closing", Address="127.0.0.1", Port=closing.port)
    stage.start(services=WEB)
    stage.rotates(web=1)
    assert stage.get(method="POST", body="x").status == 502
    stage.sees("the mark", lambda: stage.down() == {f"127.0.0.1:{closing.port}"})


def test_when_all_are_marked_all_are_asked(stage: NginxStage) -> None:
    """A service whose instances were all killed is served when one is back, before any probe."""
    dead = stage.backend("one")
    stage.start(services=[{"name": "web", "fail_timeout": "1h"}])
    stage.serving("one")
    port = dead.port
    stage.kill(dead)
    assert stage.get().status == 502
    stage.sees("the mark", lambda: stage.down() == {f"127.0.0.1:{port}"})
    stage.backend("one", port=port)
    assert stage.get().text == "one /"


@pytest.mark.parametrize("balance", ["round_robin", "least_conn", "hash"])
def test_each_method_avoids_who_is_marked(stage: NginxStage, balance: str) -> None:
    """And spreads or keeps requests as it should among the others."""
    for name in ("one", "two"):
        stage.backend(name)
    dead = stage.backend("three")
    stage.start(services=[{"name": "web", "balance": balance, "hash_key": "uri"}])
    stage.rotates(web=3)
    stage.kill(dead)
    answers = [stage.get(f"/{number}") for number in range(30)]
    assert {each.name for each in answers} == {"one", "two"}
    if balance == "hash":
        again = [stage.get(f"/{number}").name for number in range(30)]
        assert again == [each.name for each in answers]


@pytest.mark.full
def test_an_instance_stays_out_for_as_long_as_it_is_away(stage: NginxStage) -> None:
    """Longer than a mark lasts by itself: no worker asks it again until a probe finds it back."""
    stage.backend("one")
    dead = stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    place = dead.place
    stage.kill(dead)
    for _ in range(20):
        stage.get()
    stage.sees("the mark", lambda: stage.down() == {place})
    over = time.monotonic() + 65
    stage.sees("more than a minute", lambda: time.monotonic() > over, 90)
    for number in range(20):
        assert stage.get(f"/late-{number}").status == 200
    late = stage.sees(
        "the requests",
        lambda: (
            len(r := [row for row in stage.requests() if "late-" in row["request"]]) == 20 and r
        ),
    )
    assert {row["attempts"] for row in late} == {1}
