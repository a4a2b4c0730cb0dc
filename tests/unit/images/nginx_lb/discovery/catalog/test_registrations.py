"""What an answer registers, however little of it is parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nginx_lb.discovery.catalog import registrations
from nginx_lb.discovery.catalog.registrations import BY_NODE, BY_SERVICE, Form, Part
from nginx_lb.discovery.snapshot import Found

from .answers import NODE, by_node, service, subscription, written


def parsed(content: bytes, last: Part | None = None, form: Form = BY_NODE) -> Part:
    """What an answer registers, of what declares Web or has the tag."""
    return registrations.parse(form, subscription("Web"), last, content)


def ids(part: Part) -> list[str]:
    """The IDs of its services."""
    return [each.keys[0][1] for each in part.registrations]


def test_a_service_without_an_address_has_its_nodes() -> None:
    """As Consul has it."""
    part = parsed(by_node(service("a"), service("b", Address="192.0.2.1")))
    found = [each.entry for each in part.registrations]
    places = [
        (each.instance.endpoint.address, each.instance.weight)
        for each in found
        if isinstance(each, Found) and each.instance
    ]
    assert places == [("10.9.9.1", 2), ("192.0.2.1", 2)]


def test_a_service_is_declared_discovered_or_not_followed() -> None:
    """A name counts before a tag, and Consul takes Web and web for one service."""
    part = parsed(
        by_node(service("a", "WEB", Tags=None), service("b", "api"), service("c", "db", Tags=["x"]))
    )
    assert [(each.keys[0], each.declared) for each in part.registrations] == [
        (("n1", "a"), True),
        (("n1", "b"), False),
    ]


def test_both_forms_say_the_same() -> None:
    """A query by node and one by service."""
    listed = service("a", Port=81, Tags=["lb", "x"])
    of_service = {
        **{key: value for key, value in NODE.items() if key != "Meta"},
        **{f"Service{key}": value for key, value in listed.items() if key != "Service"},
        "ServiceName": "web",
        "CreateIndex": 7,
    }
    by_service = parsed(written([of_service]), form=BY_SERVICE)
    assert by_service.registrations == parsed(by_node(listed)).registrations


def test_what_has_not_changed_is_not_parsed_again() -> None:
    """It is the same object; what has changed, came or left is seen."""
    last = parsed(by_node(service("a"), service("b"), service("c")))
    part = parsed(by_node(service("a"), service("b", Port=81), service("d")), last)
    assert ids(part) == ["a", "b", "d"]
    assert part.registrations[0] is last.registrations[0]
    assert part.registrations[1] != last.registrations[1]
    assert parsed(by_node(), part).registrations == ()


def test_a_nodes_new_address_is_that_of_its_services() -> None:
    """Also of those whose own text has not changed."""
    last = parsed(by_node(service("a")))
    part = parsed(by_node(service("a"), Address="10.9.9.2"), last)
    assert part.registrations != last.registrations


@pytest.mark.parametrize(
    "more",
    [
        {"Proxy": {"Config": {"a": [{"ID": "x"}, {"ID": "y"}]}}},
        {"Meta": {"a": '"Services":[{"ID":"x"},{"ID":"y"}]}'}},
        {"Meta": {"a": '}]},{"ID":"'}},
        {"Tags": ['},{"ID":"', "lb"]},
        {"Proxy": {"Config": {"Services": [{"ID": "x"}, {"ID": "y"}]}}},
    ],
)
def test_nothing_in_a_service_is_taken_for_another_one(more: dict[str, Any]) -> None:
    """Whatever it contains."""
    last = None
    for content in (
        by_node(service("a", **more), service("b")),
        by_node(service("b"), service("a", **more), service("c")),
        by_node(service("a", **more), Meta=more),
    ):
        last = parsed(content, last)
        whole = [each["ID"] for each in json.loads(content)["Services"]]
        assert ids(last) == whole


def test_a_node_without_services_and_one_that_has_left_register_nothing() -> None:
    """Consul writes null for both."""
    assert parsed(written({"Node": NODE, "Services": None})).registrations == ()
    assert parsed(written({"Node": None, "Services": []})).registrations == ()
    assert parsed(written({"Node": None, "Services": None})).registrations == ()
    assert parsed(b"[]", form=BY_SERVICE).registrations == ()


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"{}",
            b"[]",
            b"null",
            b"5",
            b'"x"',
            b'{"error":"x"}',
            b"[null]",
            b'{"Services":[]}',
        ),
        by_node(None),
        by_node(5),
        by_node(service("a"), None),
        by_node(service("a"))[:-1],
        by_node(service("a", Service=None)),
        by_node(service("a", Tags=5)),
        by_node(service("a", Tags=[5])),
        by_node(service("a", Address=None)),
        by_node({**service("a"), "ID": 5}),
        by_node(service("a"), Node=5),
        by_node(service("a"), Address=None),
        written({"Node": 5, "Services": [service("a")]}),
        written({"Node": NODE, "Services": {}}),
        written({"Node": 0, "Services": []}),
        written({"Node": "", "Services": None}),
        written({"Node": None, "Services": [service("a")]}),
        b'{"Node":{},"Services":[{"ID":"\xff"}]}',
    ],
)
def test_another_form_is_an_error(content: bytes) -> None:
    """And never a node without services, whatever was known."""
    last = parsed(by_node(service("a"), service("b")))
    for known in (None, last):
        with pytest.raises(ValueError, match=r".+"):
            parsed(content, known)


@pytest.mark.parametrize("content", [b'{"data":[{"ID":"x","Node":"n1"}]}', b"{}", b"null", b"[5]"])
def test_only_a_list_is_one(content: bytes) -> None:
    """Of services, whatever is around another one."""
    with pytest.raises(ValueError, match=r".+"):
        parsed(content, form=BY_SERVICE)


def test_values_that_do_not_fit_are_skipped() -> None:
    """A port or an address that nobody can use is the registration's, not the answer's."""
    part = parsed(by_node(service("a", Port="80"), service("b", Address="x"), service("c")))
    assert [isinstance(each.entry, Found) for each in part.registrations] == [False, False, True]
