"""`nginx_lb_status` asks a balancer how it is, and waits for what is wanted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._balancer.client import (
    BalancerError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._balancer.status import (
    BalancerStatus,
)
from ansible_collections.rollcall.discovery.plugins.modules import nginx_lb_status as module
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from ansible_collections.rollcall.discovery.tests.support.running import outcome

Ask = t.Callable[..., dict[str, t.Any]]
PLACE = {"id": "web-1", "address": "10.0.0.1", "port": 80, "in_rotation": True}
WELL = BalancerStatus(
    {
        "state": "held",
        "reason": "Consul has no leader",
        "generation": 7,
        "synced": True,
        "settings": {"revision": "a", "offered_revision": "a", "accepted": True, "reason": ""},
        "services": {"web": {"instances": 1, "held": []}},
        "skipped": [{"service": "odd", "reason": "its port is 0"}],
    },
    {"instances": [PLACE]},
)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask a balancer that says this, or one that does not answer."""

    def ask(
        seen: BalancerStatus | None, *, check: bool = False, **params: t.Any
    ) -> dict[str, t.Any]:
        def look(url: str) -> BalancerStatus:
            if seen is None:
                raise BalancerError(f"no load balancer answers at {url}")
            return seen

        monkeypatch.setattr(module, "read_status", look)
        return outcome(module, capsys, {"wait_timeout": 0, **params}, check=check)

    return ask


def test_every_promise_is_kept(ask: Ask) -> None:
    """By a balancer that answers, and in a dry run by one that is not there yet."""
    there, absent = ask(WELL), ask(None, check=True)
    assert (there["state"], there["generation"], there["reachable"]) == ("held", 7, True)
    assert (absent["state"], absent["generation"], absent["reachable"]) == ("unknown", None, False)
    assert_kept("nginx_lb_status", [there, absent])


def test_what_does_not_come_in_time_is_named(ask: Ask) -> None:
    """An instance that is still in rotation."""
    failed = ask(WELL, wait_for={"without": ["10.0.0.1:80"]})
    assert failed["failed"]
    assert "10.0.0.1:80" in failed["msg"]


def test_a_balancer_that_does_not_answer_is_an_error(ask: Ask) -> None:
    """Outside of a dry run."""
    assert "no load balancer answers" in ask(None)["msg"]
