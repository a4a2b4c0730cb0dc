"""The leader's word: nonsense confirms nothing, and ends neither the check nor its monitor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nginx_lb.protection import guard
from nginx_lb.protection.leader_check import LeaderCheck, LeaderMonitor, LeaderStatus, ServiceQuery
from nginx_lb.settings.model import Consul
from rollcall_agents.polling import eventually

from .fake_agent import FakeAgent, Raw
from .test_nonsense import NONSENSE, body

WEB = {"web": ServiceQuery("web")}


@pytest.fixture
def check(fake: FakeAgent) -> Iterator[LeaderCheck]:
    """A check that asks the fake agent."""
    made = LeaderCheck(Consul("127.0.0.1", fake.port))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (path, kind)
        for path in ("/v1/health", "/v1/status")
        for kind in NONSENSE
        # The address of a leader is a word.
        if (path, kind) != ("/v1/status", "a word")
    ],
)
def test_nonsense_confirms_nothing(
    fake: FakeAgent, check: LeaderCheck, path: str, kind: str
) -> None:
    """Neither a leader nor a loss."""
    fake.answers(path, NONSENSE[kind])
    evidence = check.confirm(WEB)
    assert (evidence.state, evidence.confirmed) == (guard.NO_ANSWER, {})


@pytest.mark.parametrize("entry", [None, 5, {}, {"Service": None}, {"Node": {}, "Service": 5}])
def test_an_entry_of_another_form_confirms_nothing(
    fake: FakeAgent, check: LeaderCheck, entry: object
) -> None:
    """One bad entry makes the whole answer nonsense."""
    fake.answers("/v1/health", body([entry]))
    assert check.confirm(WEB).state == guard.NO_ANSWER


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_a_cluster_without_an_identifier_has_none(
    fake: FakeAgent, check: LeaderCheck, answer: Raw
) -> None:
    """It has a leader all the same."""
    fake.answers("/v1/connect", answer)
    assert check.status() == LeaderStatus(True, "")


def test_the_monitor_goes_on(fake: FakeAgent) -> None:
    """After nonsense, and after an exception of whoever is told."""
    statuses: list[LeaderStatus] = []

    def told(status: LeaderStatus) -> None:
        statuses.append(status)
        if len(statuses) == 1:
            raise KeyError("nobody expects this")

    monitor = LeaderMonitor(Consul("127.0.0.1", fake.port), told)
    try:
        eventually("two statuses", lambda: len(statuses) >= 2)
        fake.answers("/v1/status", NONSENSE["brackets"])
        eventually("the trouble", lambda: statuses[-1].problem)
        fake.answers("/v1/status", None)
        eventually("a leader", lambda: statuses[-1].leader)
    finally:
        monitor.stop()
