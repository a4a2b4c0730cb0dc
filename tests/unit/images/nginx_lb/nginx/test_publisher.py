"""What is published: staged, tested, served, or rolled back."""

from __future__ import annotations

import pathlib
from typing import cast

import pytest
from nginx_lb import routing
from nginx_lb.model import Instances
from nginx_lb.nginx.configuration import Paths
from nginx_lb.nginx.process import Nginx, Refused
from nginx_lb.nginx.publisher import Publisher
from nginx_lb.routing import Site
from nginx_lb.settings.model import Settings

from ..builders import instances, settings
from ..fakes import FakeNginx

OPTIONS = settings(services=[{"name": "web"}])
MORE = settings(services=[{"name": "web"}, {"name": "shop", "path": "/shop"}])


def site(options: Settings = OPTIONS, found: Instances = ()) -> Site:
    """The site of the services in the settings, with these instances of web."""
    return routing.plan(options, {"web": found}, {})


def published(nginx: FakeNginx) -> tuple[Publisher, Site]:
    """A publisher whose nginx serves one service, and its site."""
    publisher, first = Publisher(cast(Nginx, nginx), Paths(), 6), site()
    publisher.activate(OPTIONS, first)
    return publisher, first


def test_instances_are_no_part_of_what_is_published() -> None:
    """Another set of instances is the same configuration, another route is not."""
    publisher, first = published(nginx := FakeNginx())
    assert publisher.serves(OPTIONS, first)
    assert publisher.serves(OPTIONS, site(found=instances(1, 2)))
    assert not publisher.serves(MORE, site(MORE))
    assert (publisher.number, nginx.calls) == (7, ["start"])


def test_a_new_route_is_a_reload() -> None:
    """The next generation."""
    publisher, _first = published(nginx := FakeNginx())
    publisher.publish(MORE, site(MORE))
    assert (publisher.number, publisher.reloads, nginx.calls) == (8, 1, ["start", "reload"])


def test_old_workers_that_accept_on_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """The new generation serves all the same."""
    publisher, _first = published(nginx := FakeNginx())
    nginx.workers_hear = False
    publisher.publish(MORE, site(MORE))
    assert caplog.messages == ["workers of generation 7 still accept connections"]
    assert publisher.number == 8


def test_what_nginx_refuses_is_not_tried_again_at_once() -> None:
    """The reason is kept until something else is published."""
    publisher, first = published(nginx := FakeNginx())
    nginx.refusal = "unknown directive"
    with pytest.raises(Refused):
        publisher.publish(MORE, more := site(MORE))
    assert publisher.recently_refused(MORE, more)
    assert not publisher.recently_refused(OPTIONS, first)
    assert (publisher.refusals, publisher.refused, publisher.number) == (1, "unknown directive", 7)
    nginx.refusal = ""
    publisher.publish(other := settings(services=[{"name": "shop"}]), site(other))
    assert (publisher.refused, publisher.recently_refused(MORE, more)) == ("", False)


def test_what_does_not_serve_is_rolled_back() -> None:
    """nginx has accepted it and serves the old generation: that one is loaded again."""
    publisher, first = published(nginx := FakeNginx())
    nginx.serves_new = False
    with pytest.raises(Refused, match="did not serve within 5 s"):
        publisher.publish(MORE, site(MORE))
    assert nginx.calls == ["start", "reload", "restore", "reload"]
    assert (publisher.number, publisher.serves(OPTIONS, first)) == (7, True)


def test_a_renewed_certificate_is_another_configuration(tmp_path: pathlib.Path) -> None:
    """Though not one word of the text has changed."""
    tls = settings(services=[{"name": "web"}], tls={"certificates": [{"name": "main"}]})
    publisher = Publisher(cast(Nginx, FakeNginx()), Paths(certificates=str(tmp_path)), 0)
    publisher.activate(tls, found := site(tls))
    assert publisher.serves(tls, found)
    assert not publisher.should_check()
    (tmp_path / "main.pem").write_text("renewed")
    assert publisher.should_check()
    assert not publisher.serves(tls, found)
