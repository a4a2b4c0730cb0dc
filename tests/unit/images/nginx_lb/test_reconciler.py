"""What is wanted comes to be served: at a limited rate, refused settings change nothing."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from typing import Any, cast

import pytest
from nginx_lb.model import Record, Skip
from nginx_lb.nginx.configuration import Paths
from nginx_lb.nginx.live_instances import LiveInstances
from nginx_lb.nginx.process import Nginx
from nginx_lb.nginx.publisher import Publisher
from nginx_lb.protection import store
from nginx_lb.protection.served_state import ServedState
from nginx_lb.protection.store import State
from nginx_lb.reconciler import Reconciler
from nginx_lb.settings.model import Discover

from .builders import endpoint, instances, record, settings
from .fakes import FakeNginx

WEB = settings(services=[{"name": "web"}], reload={"min_interval": 0, "burst_interval": 0})
SLOW = settings(services=[{"name": "web"}], reload={"min_interval": 3600, "burst_interval": 3600})

# A service that its tags route.
SHOP = Record(instances(3, tags=("lb", "lb.host=shop.example")), frozenset({endpoint(3)}))


class Stage:
    """A reconciler with an nginx that starts no process, and two instances of web on the volume."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Not started."""
        self.nginx = FakeNginx()
        self.path = folder / "state.json"
        self.publisher = Publisher(cast(Nginx, self.nginx), Paths(), 6)
        self.served = ServedState({"web": record(1, 2)})
        self.live = LiveInstances(cast(Nginx, self.nginx), folder / "instances")
        self.reconciler = Reconciler(self.publisher, self.live, self.served, State(6), self.path)

    def counts(self) -> dict[str, int]:
        """How many instances of each service nginx serves."""
        return {name: len(each) for name, each in self.live.services.items()}


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


def test_changed_instances_are_in_use_at_once(stage: Stage) -> None:
    """No reload is waited for, and none happens."""
    stage.reconciler.start(SLOW)
    stage.served.records = {"web": record(1)}
    stage.reconciler.reconcile(SLOW, ())
    assert (stage.reconciler.pending, stage.counts()) == (False, {"web": 1})
    assert stage.nginx.calls == ["start", "instances", "instances"]
    assert store.load(stage.path).records == {"web": record(1)}


def test_a_new_route_is_published_when_a_reload_is_allowed(stage: Stage) -> None:
    """Until then it is pending, and its instances are known already."""
    slow = dataclasses.replace(SLOW, discover=Discover())
    stage.reconciler.start(slow)
    stage.served.records = {"web": record(1, 2), "shop": SHOP}
    stage.reconciler.reconcile(slow, ())
    assert (stage.reconciler.pending, stage.publisher.number) == (True, 7)
    assert stage.counts() == {"web": 2, "shop": 1}
    assert stage.reconciler.seconds_until_due(0) > 3000
    stage.reconciler.use(dataclasses.replace(WEB, discover=Discover()))
    assert (stage.reconciler.pending, stage.publisher.number) == (False, 8)


def test_a_route_keeps_its_instances_until_it_is_gone(stage: Stage) -> None:
    """nginx serves the old routes until the reload that is pending."""
    slow = dataclasses.replace(SLOW, discover=Discover())
    stage.served.records = {"web": record(1, 2), "shop": SHOP}
    stage.reconciler.start(slow)
    stage.served.records = {"web": record(1, 2)}
    stage.reconciler.reconcile(slow, ())
    assert stage.reconciler.pending
    assert "service shop\n10.0.0.3:80 1\n" in (stage.path.parent / "instances").read_text()


def test_instances_that_nginx_does_not_take_over_are_pending(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked again, the reason is logged once, and the status shows what serves."""
    stage.reconciler.start(WEB)
    stage.served.records = {"web": record(1)}
    stage.nginx.takes_over = False
    for _ in range(2):
        stage.reconciler.reconcile(WEB, ())
        assert (stage.reconciler.pending, stage.counts()) == (True, {"web": 2})
    assert caplog.messages == ["nginx did not take over the instances"]
    stage.nginx.takes_over = True
    stage.reconciler.reconcile(WEB, ())
    assert (stage.reconciler.pending, stage.counts()) == (False, {"web": 1})


def test_nothing_is_published_twice(stage: Stage) -> None:
    """The same set, however often it is compared."""
    stage.reconciler.start(WEB)
    for _ in range(3):
        stage.reconciler.reconcile(WEB, ())
    assert (stage.publisher.number, stage.nginx.calls) == (7, ["start", "instances"])


def test_a_refused_site_is_not_pending(stage: Stage, caplog: Any) -> None:
    """It is reported once, and tried again later."""
    web = dataclasses.replace(WEB, discover=Discover())
    stage.reconciler.start(web)
    stage.served.records = {"web": record(1, 2), "shop": SHOP}
    stage.nginx.refusal = "no memory"
    for _ in range(3):
        stage.reconciler.reconcile(web, ())
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
