"""What is read of the catalog."""

from __future__ import annotations

import urllib.parse

import pytest
from nginx_lb.discovery.catalog import queries

from .answers import subscription

NODES = {"n1": "10.9.9.1", "n2": "10.9.9.2"}


def planned(*names: str, tag: str | None = "lb", **services: list[str]) -> list[str]:
    """The paths of the queries, as one reads them."""
    found, _skips = queries.plan(subscription(*names, tag=tag), NODES, services)
    return [urllib.parse.unquote(each.path) for each in found]


def test_the_fewest_queries_are_sent() -> None:
    """One for each service, or one for each node."""
    tagged = '?filter="lb" in ServiceTags'
    assert planned("web", api=["lb"], db=["x"]) == [
        f"/v1/catalog/service/api{tagged}",
        "/v1/catalog/service/web",
    ]
    condition = '"lb" in Tags or Service matches "(?i)^(db|web)$"'
    assert planned("web", "db", api=["lb"]) == [
        f"/v1/catalog/node-services/n1?filter={condition}",
        f"/v1/catalog/node-services/n2?filter={condition}",
    ]
    assert planned(api=["lb"], db=["lb", "x"], web=["lb"])[0].endswith('?filter="lb" in Tags')
    assert planned("a", "b", "c", tag=None)[0].endswith('?filter=Service matches "(?i)^(a|b|c)$"')
    assert planned(db=["x"]) == []


def test_a_declared_service_is_read_once() -> None:
    """Whatever its tags are, and in whichever case it is registered."""
    assert planned("Web", WEB=["lb"], web=["lb"]) == ["/v1/catalog/service/web"]


def test_many_names_are_no_filter() -> None:
    """Consul would compare each service with each of them."""
    names = [f"service-{number}" for number in range(101)]
    assert "?filter=" in planned(*names[:100])[0]
    assert planned(*names) == [f"/v1/catalog/node-services/{node}" for node in NODES]


def test_names_that_cannot_be_asked_for_are_skipped() -> None:
    """Of nodes and of services, each with its reason; the others are read."""
    nodes = {"..": "", ".": "", "a\nb": "", "\ud800": "", "a/b c": ""}
    services = {f"web-{number}": ["lb"] for number in range(6)}
    found, skips = queries.plan(subscription(), nodes, services)
    assert [each.path.partition("?")[0] for each in found] == [
        "/v1/catalog/node-services/a%2Fb%20c"
    ]
    assert {each.service for each in skips} == {"'..'", "'.'", r"'a\nb'", r"'\ud800'"}
    found, skips = queries.plan(subscription(), NODES, {"../x": ["lb"], "web": ["lb"]})
    assert [each.path.partition("?")[0] for each in found] == ["/v1/catalog/service/web"]
    assert [each.service for each in skips] == ["'../x'"]


def test_an_answer_without_nodes_is_an_error() -> None:
    """There is at least the agent that answers, unless the token must not see it."""
    assert queries.nodes(b'[{"Node":"n1","Address":"10.9.9.1"}]') == {"n1": "10.9.9.1"}
    with pytest.raises(ValueError, match="no nodes"):
        queries.nodes(b"[]")


def test_a_check_is_of_a_service_or_of_its_node() -> None:
    """Consul writes no ID for a check of a node."""
    content = b'[{"Node":"n1","ServiceID":""},{"Node":"n1","ServiceID":"a"}]'
    assert queries.failing(content) == {("n1", ""), ("n1", "a")}


@pytest.mark.parametrize("parse", [queries.nodes, queries.services, queries.failing])
@pytest.mark.parametrize("content", [b"null", b"5", b"[5]", b'{"a":5}', b'[{"Node":5}]', b"["])
def test_another_form_is_an_error(parse: object, content: bytes) -> None:
    """Whichever answer it is."""
    assert callable(parse)
    with pytest.raises(ValueError, match=r".+"):
        parse(content)
