"""An agent that rejects, is silent or goes away is noticed, and what was known stays."""

from __future__ import annotations

import time

import pytest
from rollcall_agents.polling import eventually

from .fake_agent import DEAF, FakeAgent, Raw
from .stage import Stage, at


@pytest.mark.parametrize("path", ["", "/v1/catalog/nodes", "/v1/catalog/node-services"])
@pytest.mark.parametrize("status", [429, 403, 500, 301])
def test_a_rejection_is_there_to_see(fake: FakeAgent, stage: Stage, path: str, status: int) -> None:
    """Of all queries or of one; its age grows from the last answer on."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    age = stage.discovery.heard_age(time.monotonic())
    assert age is not None
    fake.answers(path, Raw(b"go away", status))
    fake.has(n1={"web": [1], "api": [3]})
    eventually("the trouble", lambda: f"{status} go away" in stage.discovery.problem)
    later = stage.discovery.heard_age(time.monotonic() + 100)
    assert later is not None
    assert later >= 100
    assert stage.reported == {"web": at(1, 2), "api": at(3)}
    fake.answers(path, None)
    stage.sees(web=at(1), api=at(3))
    eventually("no trouble", lambda: not stage.discovery.problem)


def test_an_agent_that_is_silent_grows_old(fake: FakeAgent, stage: Stage) -> None:
    """Nobody says anything, and that is seen."""
    stage.follow("web")
    assert stage.discovery.heard_age(time.monotonic()) is None
    stage.sees(web=at(1, 2), api=at(3))
    fake.answers("", DEAF)
    eventually(
        "its age", lambda: (stage.discovery.heard_age(time.monotonic()) or 0) > 12, seconds=90
    )
    fake.answers("", None)
    fake.has(n1={"web": [1], "api": [3]})
    stage.sees(web=at(1), api=at(3))


def test_nobody_is_heard_before_the_first_answer(fake: FakeAgent, stage: Stage) -> None:
    """Nor is anything reported."""
    fake.answers("", Raw(b"go away", 429))
    stage.follow("web")
    eventually("the trouble", lambda: stage.discovery.problem)
    assert stage.discovery.heard_age(time.monotonic()) is None
    assert not stage.discovery.synced


def test_an_agent_that_does_not_block_is_not_flooded(fake: FakeAgent, stage: Stage) -> None:
    """A query that comes back at once, with nothing new, is sent once a second."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    fake.blocks = False
    fake.has(n1={"web": [1], "api": [3]})
    stage.sees(web=at(1), api=at(3))

    def asked() -> int:
        return fake.asked.count("/v1/catalog/nodes")

    before, began = asked(), time.monotonic()
    eventually("more queries", lambda: asked() >= before + 3)
    assert time.monotonic() - began > 1


def test_an_index_that_goes_backwards_is_another_catalog(fake: FakeAgent, stage: Stage) -> None:
    """It is read from the start."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    fake.has(n1={"web": [4], "api": [3]}, index=2)
    stage.sees(web=at(4), api=at(3))
    fake.has(n1={"web": [5], "api": [3]})
    stage.sees(web=at(5), api=at(3))


def test_a_lone_change_is_reported_once(fake: FakeAgent, stage: Stage) -> None:
    """What changes nothing that is followed is none."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    before = stage.calls
    fake.has(n1={"web": [1, 2], "api": [3]})
    fake.has(n1={"web": [1, 2], "api": [3]}, n2={})
    fake.has(n1={"web": [1, 2], "api": [4]}, n2={})
    stage.sees(web=at(1, 2), api=at(4))
    assert stage.calls == before + 1


def test_settings_that_change_are_followed_on_the_same_connections(
    fake: FakeAgent, stage: Stage
) -> None:
    """Consul keeps those of a query that was given up."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    before = fake.connections
    for _ in range(5):
        stage.follow("web", "shop")
        assert stage.reported == {}
        stage.sees(web=at(1, 2), api=at(3), shop=[])
        stage.follow("api")
        stage.sees(web=at(1, 2), api=at(3))
    # The reader's own, which never waits.
    assert fake.connections - before <= 10


def test_a_cluster_that_was_re_created_is_followed_anew(fake: FakeAgent, stage: Stage) -> None:
    """Its index is lower than that which the queries wait for."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    fake.has(n1={"web": [4], "api": [3]}, index=2, wakes=False)
    stage.discovery.restart()
    assert stage.discovery.declared is None
    stage.sees(web=at(4), api=at(3))
