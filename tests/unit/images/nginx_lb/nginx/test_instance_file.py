"""The file from which nginx takes the instances."""

from __future__ import annotations

from nginx_lb.model import Endpoint, Instance
from nginx_lb.nginx.instance_file import render

from ..builders import endpoint, instances


def test_each_instance_has_a_line() -> None:
    """Below its service, with its weight; IPv6 in brackets, and a number at the end."""
    six = Instance(Endpoint("2001:db8::1", 8080), 3)
    assert render({"web": (*instances(1), six), "shop": ()}, 7) == (
        "service shop\nservice web\n10.0.0.1:80 1\n[2001:db8::1]:8080 3\nend 7\n"
    )


def test_the_order_is_that_of_the_names() -> None:
    """The same instances make the same file."""
    one, other = instances(1), (Instance(endpoint(2)),)
    assert render({"b": one, "a": other}, 1) == render({"a": other, "b": one}, 1)
