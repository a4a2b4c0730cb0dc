"""What is published: staged, tested, served, or rolled back."""

from __future__ import annotations

import pathlib
from typing import Any, cast

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


def site(found: Instances, options: Settings = OPTIONS) -> Site:
    """The site of one service with these instances."""
    return routing.plan(options, {"web": found}, {})


def published(nginx: FakeNginx, found: Instances, **paths: Any) -> tuple[Publisher, Site]:
    """A publisher whose nginx serves these instances, and their site."""
    publisher, first = Publisher(cast(Nginx, nginx), Paths(**paths), 6), site(found)
    publisher.activate(OPTIONS, first, {"web": found})
    return publisher, first


def test_whether_a_site_is_served_is_a_question() -> None:
    """It changes nothing; other tags of the same instances are taken over when that is asked."""
    publisher, first = published(nginx := FakeNginx(), instances(1))
    tagged = instances(1, tags=("blue",))
    assert publisher.serves(OPTIONS, first)
    assert publisher.serves(OPTIONS, site(tagged))
    assert not publisher.serves(OPTIONS, site(instances(1, 2)))
    assert publisher.services == {"web": instances(1)}
    publisher.update_services({"web": tagged})
    assert publisher.services == {"web": tagged}
    assert (publisher.number, nginx.calls) == (7, ["start"])


def test_a_change_is_a_reload() -> None:
    """The next generation, with workers of its own."""
    publisher, _first = published(nginx := FakeNginx(), instances(1))
    publisher.publish(OPTIONS, site(instances(1, 2)), {"web": instances(1, 2)})
    assert (publisher.number, publisher.reloads, nginx.calls) == (8, 1, ["start", "reload"])
    assert [each.number for each in publisher.generations] == [8]
    assert publisher.services == {"web": instances(1, 2)}


def test_what_nginx_refuses_is_not_tried_again_at_once() -> None:
    """The reason is kept until something else is published."""
    publisher, first = published(nginx := FakeNginx(), instances(1))
    nginx.refusal = "unknown directive"
    with pytest.raises(Refused):
        publisher.publish(OPTIONS, more := site(instances(1, 2)), {"web": instances(1, 2)})
    assert publisher.recently_refused(OPTIONS, more)
    assert not publisher.recently_refused(OPTIONS, first)
    assert (publisher.refusals, publisher.refused, publisher.number) == (1, "unknown directive", 7)
    nginx.refusal = ""
    publisher.publish(OPTIONS, site(instances(2)), {"web": instances(2)})
    assert (publisher.refused, publisher.recently_refused(OPTIONS, more)) == ("", False)


def test_what_does_not_serve_is_rolled_back() -> None:
    """nginx has accepted it and serves the old generation: that one is loaded again."""
    publisher, first = published(nginx := FakeNginx(), instances(1))
    nginx.serves_new = False
    with pytest.raises(Refused, match="did not serve within 5 s"):
        publisher.publish(OPTIONS, site(instances(2)), {"web": instances(2)})
    assert nginx.calls == ["start", "reload", "restore", "reload"]
    assert (publisher.number, publisher.serves(OPTIONS, first)) == (7, True)
    assert publisher.services == {"web": instances(1)}


def test_a_renewed_certificate_is_another_configuration(tmp_path: pathlib.Path) -> None:
    """Though not one word of the text has changed."""
    tls = settings(services=[{"name": "web"}], tls={"certificates": [{"name": "main"}]})
    publisher = Publisher(cast(Nginx, FakeNginx()), Paths(certificates=str(tmp_path)), 0)
    publisher.activate(tls, found := site(instances(1), tls), {"web": instances(1)})
    assert publisher.serves(tls, found)
    assert not publisher.should_check()
    (tmp_path / "main.pem").write_text("renewed")
    assert publisher.should_check()
    assert not publisher.serves(tls, found)
