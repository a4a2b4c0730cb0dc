"""What nginx was told, and who leaves."""

from __future__ import annotations

import pathlib
from typing import Any, cast

import pytest
from nginx_lb.nginx import live_instances
from nginx_lb.nginx.live_instances import LiveInstances
from nginx_lb.nginx.process import Nginx, Refused

from ..builders import endpoint, instances
from ..fakes import FakeNginx

ONE, BOTH = {"web": instances(1)}, {"web": instances(1, 2)}


class Stage:
    """An nginx that says it took over what it was told, and a clock that a story moves."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """nginx was told of two instances."""
        self.nginx = FakeNginx()
        self.now = 100.0
        self.connected: set[Any] = set()
        monkeypatch.setattr(live_instances.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(live_instances, "connected", lambda _workers: self.connected)
        self.live = LiveInstances(cast(Nginx, self.nginx), folder / "instances")
        self.live.update(BOTH, BOTH)


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage."""
    return Stage(tmp_path, monkeypatch)


def test_nginx_is_told_what_has_changed_and_nothing_else(stage: Stage) -> None:
    """The same instances with other IDs and tags are the same to nginx."""
    stage.live.update(BOTH, BOTH)
    assert stage.nginx.calls == ["instances"]
    stage.live.update(ONE, ONE)
    assert stage.nginx.calls == ["instances"] * 2


def test_what_nginx_refuses_is_not_served(stage: Stage) -> None:
    """And is told again."""
    stage.nginx.takes_over = False
    for _ in range(2):
        with pytest.raises(Refused):
            stage.live.update(ONE, ONE)
        assert not stage.live.serves(ONE)
        assert stage.live.services == BOTH


def test_a_removed_instance_leaves_when_no_connection_is_left(stage: Stage) -> None:
    """At first a worker may just be choosing it."""
    stage.live.update(ONE, ONE)
    assert stage.live.leaving(30) == {"web": instances(2)}
    stage.now += 0.06
    stage.connected = {endpoint(2)}
    assert stage.live.leaving(30) == {"web": instances(2)}
    stage.connected = set()
    assert stage.live.leaving(30) == {}


def test_nobody_leaves_for_ever(stage: Stage) -> None:
    """A WebSocket may last for days."""
    stage.live.update(ONE, ONE)
    stage.connected = {endpoint(2)}
    stage.now += 31
    assert stage.live.leaving(30) == {}


def test_who_comes_back_does_not_leave(stage: Stage) -> None:
    """It is in rotation, and nowhere else."""
    stage.live.update(ONE, ONE)
    stage.live.update(BOTH, BOTH)
    assert stage.live.leaving(30) == {}
