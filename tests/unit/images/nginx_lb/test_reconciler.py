"""What is wanted comes to be served: at a limited rate, refused settings change nothing."""

from __future__ import annotations

import logging
import pathlib
from typing import Any, cast

import pytest
from nginx_lb.model import Skip
from nginx_lb.nginx.configuration import Paths
from nginx_lb.nginx.process import Nginx
from nginx_lb.nginx.publisher import Publisher
from nginx_lb.protection import store
from nginx_lb.protection.served_state import ServedState
from nginx_lb.protection.store import State
from nginx_lb.reconciler import Reconciler

from .builders import record, settings
from .fakes import FakeNginx

WEB = settings(services=[{"name": "web"}], reload={"min_interval": 0, "burst_interval": 0})
SLOW = settings(services=[{"name": "web"}], reload={"min_interval": 3600, "burst_interval": 3600})


class Stage:
    """A reconciler with an nginx that starts no process, and two instances of web on the volume."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Not started."""
        self.nginx = FakeNginx()
        self.path = folder / "state.json"
        self.publisher = Publisher(cast(Nginx, self.nginx), Paths(), 6)
        self.served = ServedState({"web": record(1, 2)})
        self.reconciler = Reconciler(self.publisher, self.served, State(6), self.path)

    def counts(self) -> dict[str, int]:
        """How many instances of each service nginx serves."""
        return {name: len(each) for name, each in self.publisher.services.items()}


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Stage:
    """A stage that is not started."""
    return Stage(tmp_path)


def test_the_last_runs_instances_are_served_from_the_start(stage: Stage) -> None:
    """And are what the next run begins with."""
    stage.reconciler.start(WEB)
    assert (stage.counts(), stage.publisher.number) == ({"web": 2}, 7)
    stored = store.load(stage.path)
    assert (stored.generation, stored.records) == (7, stage.served.records)
    assert stored.owners == {("", "/"): "web"}


def test_a_change_is_published_when_a_reload_is_allowed(stage: Stage) -> None:
    """Until then it is pending, and the last run's instances are kept."""
    stage.reconciler.start(SLOW)
    stage.served.records = {"web": record(1)}
    stage.reconciler.reconcile(SLOW, ())
    assert (stage.reconciler.pending, stage.counts()) == (True, {"web": 2})
    assert stage.reconciler.seconds_until_due(0) > 3000
    assert store.load(stage.path).records == {"web": record(1)}
    stage.reconciler.use(WEB)
    assert (stage.reconciler.pending, stage.counts()) == (False, {"web": 1})


def test_nothing_is_published_twice(stage: Stage) -> None:
    """The same set, however often it is compared."""
    stage.reconciler.start(WEB)
    for _ in range(3):
        stage.reconciler.reconcile(WEB, ())
    assert (stage.publisher.number, stage.nginx.calls) == (7, ["start"])


def test_a_refused_site_is_not_pending(stage: Stage, caplog: Any) -> None:
    """It is reported once, and tried again later."""
    stage.reconciler.start(WEB)
    stage.served.records = {"web": record(1)}
    stage.nginx.refusal = "no memory"
    for _ in range(3):
        stage.reconciler.reconcile(WEB, ())
    assert (stage.reconciler.pending, stage.publisher.refusals) == (False, 1)
    assert caplog.messages == ["refused, generation 7 stays: no memory"]


@pytest.mark.parametrize("try_settings", ["problem_of", "use"])
def test_refused_settings_cost_no_record(stage: Stage, try_settings: str) -> None:
    """Settings without the service are refused: its instances are served on, and are known."""
    stage.reconciler.start(WEB)
    stage.nginx.refusal = "unknown directive"
    other = settings(services=[{"name": "shop"}])
    assert getattr(stage.reconciler, try_settings)(other) == "unknown directive"
    assert (stage.counts(), list(stage.served.records)) == ({"web": 2}, ["web"])


def test_a_removed_service_is_gone_with_its_settings(stage: Stage) -> None:
    """What the operator has taken out is not a loss that anybody must confirm."""
    stage.reconciler.start(WEB)
    assert stage.reconciler.use(settings(services=[{"name": "shop"}])) == ""
    assert stage.counts() == {"shop": 0}


def test_what_is_skipped_is_reported_once(stage: Stage, caplog: Any) -> None:
    """Not at each comparison."""
    stage.reconciler.start(WEB)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            stage.reconciler.reconcile(WEB, (Skip("'web'", "'x' is not an IP address"),))
    assert caplog.messages == ["skipped 'web': 'x' is not an IP address"]
    assert len(stage.reconciler.skipped) == 1


def test_a_full_volume_stops_nothing(stage: Stage) -> None:
    """The state cannot be written, and the balancer serves."""
    stage.path.mkdir()
    stage.reconciler.start(WEB)
    assert stage.counts() == {"web": 2}
