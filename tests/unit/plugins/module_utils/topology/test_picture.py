"""The picture is an SVG that holds whatever names there are, and what is well looks well."""

from __future__ import annotations

import re
import typing as t
from xml.etree import ElementTree

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.markup import fitted
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.picture import picture
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.results import system_of
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_results import STACK, consul, container, host, instance, served, web, whole

SVG = "{http://www.w3.org/2000/svg}"
LAW = settings(max_examples=40, deadline=None, database=None)
TEXT = st.text(max_size=60)


def drawn(results: dict[str, t.Any], *followed: str, title: str = "Ours") -> ElementTree.Element:
    """The picture, read as XML."""
    return ElementTree.fromstring(picture(system_of(results, followed), title))


def words(root: ElementTree.Element) -> list[str]:
    """All that can be read."""
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def paths(root: ElementTree.Element, kind: str) -> list[str]:
    """The lines of a kind, without the legend's."""
    found = [each.get("d", "") for each in root.iter(f"{SVG}path")]
    kinds = [each.get("class", "") for each in root.iter(f"{SVG}path")]
    return [path for path, name in zip(found, kinds, strict=True) if name == f"line {kind}"][:-1]


def classes(root: ElementTree.Element, word: str) -> int:
    """How many boxes look so."""
    boxes = root.iter(f"{SVG}rect")
    return sum(word in each.get("class", "").split() for each in boxes)


def test_a_stack_that_is_well_is_drawn_whole() -> None:
    """Requests reach the balancer and the service, which is registered, and the list comes back."""
    root = drawn(whole())
    assert {"Ours", "h1", "10.0.0.1", "lb", "web-1", "registrator", "consul-server"} <= {
        *words(root)
    }
    assert "1 healthy of web" in words(root)
    assert "server, leader" in words(root)
    assert (classes(root, "ill"), classes(root, "leads")) == (0, 1)
    # From the users, out of the balancer, along all, into the service.
    assert len(paths(root, "requests")) == 4
    assert len(paths(root, "registers")) == 2
    assert len(paths(root, "list")) == 1


@pytest.mark.parametrize("status", ["warning", "critical"])
def test_what_does_not_pass_is_sent_no_requests(status: str) -> None:
    """Only the users' line to the balancer is left, and the mark tells why."""
    known = consul(instance("10.0.0.1", status=status), n1="10.0.0.1")
    root = drawn({"h1": host("10.0.0.1", *STACK, consul=known)})
    assert len(paths(root, "requests")) == 1
    assert f"port 32768, {status}" in words(root)
    assert "0 healthy of web" in words(root)


def test_what_is_ill_looks_ill() -> None:
    """A container that has ended, a registration without one, an agent that failed."""
    known = consul(instance("10.0.0.1", 5), leader="", n1="10.0.0.1 failed")
    agent = container("consul-server", "consul_server")
    root = drawn({"h1": host("10.0.0.1", web(status="exited"), agent, consul=known)})
    assert classes(root, "ill") == 3
    assert {"no container", "exited", "server, failed"} <= {
        part for each in words(root) for part in (each, *each.split(", ")[1:])
    }


def test_a_registrator_without_an_agent_reaches_the_one_that_holds_its_services() -> None:
    """As in the articles' second step."""
    known = consul(instance("10.0.0.2", node="n1"), n1="10.0.0.1")
    one = host("10.0.0.1", container("consul-server", "consul_server"), consul=known)
    two = host("10.0.0.2", web(), container("registrator", "registrator"))
    lines = paths(drawn({"h1": one, "h2": two}), "registers")
    assert len(lines) == 2
    assert any("V" in line and line.count("H") == 2 for line in lines)


def test_a_cluster_joins_the_agents_that_are_well() -> None:
    """A failed one is left out, and one alone is no cluster."""
    agent = container("consul-server", "consul_server")
    known = consul(n1="10.0.0.1", n2="10.0.0.2", n3="10.0.0.3 failed")
    told = {f"h{n}": host(f"10.0.0.{n}", agent, consul=known) for n in (1, 2, 3)}
    assert len(paths(drawn(told), "cluster")) == 3
    del told["h2"]
    assert len(paths(drawn(told), "cluster")) == 0


def test_more_is_told_where_the_pointer_rests() -> None:
    """Image, inner port, tags, identifier and node."""
    known = consul(instance("10.0.0.1", tags=["blue"], id="r:web-1:80"))
    root = drawn({"h1": host("10.0.0.1", web(), consul=known)})
    told = "\n".join(each.text or "" for each in root.iter(f"{SVG}title"))
    for word in ("example/web:1", "32768 is 80 inside", "blue", "r:web-1:80", "node n1"):
        assert word in told


def test_a_part_of_the_stack_is_no_web_service() -> None:
    """A balancer that is registered has a mark and its details, and no frame of a service."""
    known = consul(instance("10.0.0.1", 8080, service="edge", id="r:lb:8080", status="critical"))
    root = drawn({"h1": host("10.0.0.1", served("lb", "nginx_lb", 8080), consul=known)})
    assert (classes(root, "balancer"), classes(root, "group"), classes(root, "service")) == (
        1,
        0,
        0,
    )
    circles = [each.get("class") for each in root.iter(f"{SVG}circle")]
    # The legend has one of each.
    assert circles.count("critical") == 2
    told = "\n".join(each.text or "" for each in root.iter(f"{SVG}title"))
    assert "edge at 10.0.0.1:8080: critical\nr:lb:8080 at node n1" in told


def test_nothing_at_all_is_a_picture_too() -> None:
    """With the sentence that no agent answered."""
    assert "no Consul agent answered" in words(drawn({}))


@LAW
@given(TEXT, TEXT, TEXT, TEXT)
def test_any_name_is_text_and_never_markup(title: str, name: str, service: str, said: str) -> None:
    """A container's name and labels come from outside."""
    known = consul(instance("10.0.0.1", service=service or "s", id=name), n1="10.0.0.1")
    told = web(name, image=service, health=said)
    results = {name: host("10.0.0.1", told, consul=known, problems=[said])}
    root = drawn(results, service or "s", title=title)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        *("svg", "title", "style", "defs", "marker", "path", "rect", "text", "g", "circle")
    }


def test_the_same_values_give_the_same_text() -> None:
    """So that a picture that is checked in can be compared."""
    system = system_of(whole(), ())
    assert picture(system, "Ours") == picture(system, "Ours")


def test_nothing_lies_outside_or_over_another() -> None:
    """Boxes of containers keep apart, and each is inside the picture."""
    many = [web(f"web-{number}", 32768 + number) for number in range(7)]
    known = consul(*(instance("10.0.0.1", 32768 + number) for number in range(5)), n1="10.0.0.1")
    root = drawn({"h1": host("10.0.0.1", *STACK, *many, consul=known), "h2": host("10.0.0.2")})
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    chips = [
        tuple(float(each.get(key, 0)) for key in ("x", "y", "width", "height"))
        for each in root.iter(f"{SVG}rect")
        if re.match("balancer|service|registrator|consul", each.get("class", ""))
    ]
    assert len(chips) == 11
    for number, (x, y, w, h) in enumerate(chips):
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height
        for x2, y2, w2, h2 in chips[:number]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@given(TEXT, st.floats(1, 600))
@LAW
def test_a_name_never_grows_beyond_its_box(text: str, width: float) -> None:
    """It ends with an ellipsis, and one character is left in the narrowest."""
    assert len(fitted(text, width, 15.0)) <= max(1, width / (15 * 0.62))
    assert fitted("short", 600, 15.0) == "short"
