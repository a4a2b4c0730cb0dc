"""Which follower follows what."""

from __future__ import annotations

import pytest
from nginx_lb.discovery.subscription import Subscription, fits_consul_template
from nginx_lb.settings.model import Discover, Service, Settings


def declared(*names: str, **more: object) -> Settings:
    """The settings with these services."""
    return Settings(services=tuple(Service(name) for name in names), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (declared(), True),
        (declared("a", "b", "c", "d", "e", "f"), True),
        (declared("a", "b", "c", "d", "e", "f", "g"), False),
        (declared("a", "a", "a", "b", "b", "c", "d", "e", "f"), True),
        (declared("a", discover=Discover()), False),
    ],
)
def test_consul_template_follows_a_few_declared_services(options: Settings, fits: bool) -> None:
    """It has a connection for each name, and does not know who has a tag."""
    assert fits_consul_template(options) is fits


def test_a_service_is_followed_by_its_name_or_its_tag() -> None:
    """A name has no case in Consul; a tag has."""
    found = Subscription.of(declared("Web", "web", discover=Discover("lb")))
    assert found.names == {"web": {"Web", "web"}}
    assert [found.declares(each) for each in ("WEB", "api")] == [True, False]
    assert [found.follows("api", tags) for tags in ([], ["LB"], ["x", "lb"])] == [
        False,
        False,
        True,
    ]
    assert not Subscription.of(declared("web")).follows("api", ["lb"])
