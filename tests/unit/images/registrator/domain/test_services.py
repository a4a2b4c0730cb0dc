"""A container and its labels become services with names, identifiers, addresses and checks."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    container,
    exposed,
    labelled,
    only,
    published,
    reasons,
    services,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.services import default_name

# Which ports become services.


def test_a_published_port_becomes_a_service() -> None:
    """The plain case: nginx with one port, found on its host."""
    service = only(container("web", published(80, on=32768)))
    assert (service.id, service.name, service.address, service.port) == (
        "host-1:web:80",
        "nginx",
        HOST_IP,
        32768,
    )


def test_a_service_remembers_its_container() -> None:
    """Log lines name the container that a service comes from."""
    entry = container()
    assert only(entry).container == entry.short_id


def test_a_container_that_publishes_nothing_is_ignored() -> None:
    """An exposed port is nobody's business until it is published."""
    assert services(container("web", exposed(80))) == []
    assert reasons(container("web", exposed(80))) == ["port 80 not published on host"]


@pytest.mark.parametrize("internal", [False, True])
def test_a_container_without_ports_is_ignored(internal: bool) -> None:
    """The reason is upstream's line, for people search their logs for it."""
    portless = dataclasses.replace(container(), ports=())
    assert services(portless, internal=internal) == []
    assert reasons(portless, internal=internal) == ["no published ports"]


def test_unpublished_ports_are_left_out() -> None:
    """One published port makes one service however many the image exposes."""
    entry = container("web", published(80), exposed(443))
    assert [service.id for service in services(entry)] == ["host-1:web:80"]
    assert reasons(entry) == ["port 443 not published on host"]


def test_every_published_port_becomes_a_service() -> None:
    """Two ports are two services."""
    entry = container("web", published(80, on=1), published(443, on=2))
    assert [(service.id, service.port) for service in services(entry)] == [
        ("host-1:web:80", 1),
        ("host-1:web:443", 2),
    ]


@pytest.mark.parametrize("value", ["true", "false", "0"])
def test_any_value_ignores_a_container(value: str) -> None:
    """SERVICE_IGNORE counts by being there, as upstream has it."""
    entry = labelled(SERVICE_IGNORE=value)
    assert services(entry) == []
    assert reasons(entry) == ["service on port 80"]


def test_one_port_can_be_ignored() -> None:
    """A management port stays out while the others are registered."""
    entry = labelled(published(80), published(9000), SERVICE_9000_IGNORE="1")
    assert [service.id for service in services(entry)] == ["host-1:web:80"]


def test_explicit_registers_only_what_names_itself() -> None:
    """With -explicit a container without SERVICE_NAME is left out, with the reason."""
    assert services(container(), explicit=True) == []
    assert reasons(container(), explicit=True) == ["no SERVICE_NAME for port 80"]
    assert only(labelled(SERVICE_NAME="shop"), explicit=True).name == "shop"


def test_explicit_accepts_a_name_for_one_port() -> None:
    """Of two ports only the one that has a name is registered."""
    entry = labelled(published(80), published(443), SERVICE_443_NAME="shop")
    assert [service.name for service in services(entry, explicit=True)] == ["shop"]


# Names.


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx"),
        ("library/nginx:1.27", "nginx"),
        ("registry.example:5000/team/shop", "shop"),
        ("registry.example:5000/team/shop:2", "shop"),
        ("nginx@sha256:0123abcd", "nginx"),
        ("nginx:1.27@sha256:0123abcd", "nginx"),
        ("sha256:" + "0123abcd" * 8, "0123abcd0123"),
        ("0123abcd" * 8, "0123abcd0123"),
        ("0123abcd0123", "0123abcd0123"),
        ("facade", "facade"),
    ],
)
def test_an_image_has_a_name_of_its_own(image: str, name: str) -> None:
    """Registry, path, tag and digest are no part of a name, and an identifier is cut short."""
    assert default_name(image) == name


@given(
    st.lists(st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True), max_size=3),
    st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True),
    st.sampled_from(["", ":1", ":latest", "@sha256:00ff", ":1@sha256:00ff"]),
)
def test_the_name_is_what_stands_between_path_and_version(
    path: list[str], name: str, version: str
) -> None:
    """However an image is referred to, its own name is found."""
    assert default_name("/".join([*path, name]) + version) == name


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({}, ["nginx-80", "nginx-443"]),
        ({"SERVICE_NAME": "shop"}, ["shop-80", "shop-443"]),
        ({"SERVICE_80_NAME": "shop"}, ["shop", "nginx-443"]),
        ({"SERVICE_NAME": "shop", "SERVICE_443_NAME": "safe"}, ["shop-80", "safe"]),
    ],
)
def test_several_ports_are_told_apart_by_name(labels: dict[str, str], names: list[str]) -> None:
    """A name gets the port as its suffix unless it was given to that very port."""
    entry = labelled(published(80), published(443), **labels)
    assert [service.name for service in services(entry)] == names


def test_a_single_port_needs_no_suffix() -> None:
    """An unpublished port does not count as a second one."""
    assert only(labelled(published(80), exposed(443), SERVICE_NAME="shop")).name == "shop"


def test_an_ignored_port_counts_for_the_suffix() -> None:
    """Ports are counted before SERVICE_IGNORE is read, so names stay as upstream made them."""
    entry = labelled(published(80), published(443), SERVICE_NAME="shop", SERVICE_443_IGNORE="1")
    assert only(entry).name == "shop-80"


# Identifiers and tags.


def test_one_number_in_two_protocols_is_two_services() -> None:
    """DNS listens on 53 twice, and udp is told by identifier and tag."""
    entry = container("dns", published(53), published(53, protocol="udp"))
    assert [(service.id, service.tags) for service in services(entry)] == [
        ("host-1:dns:53", ()),
        ("host-1:dns:53:udp", ("udp",)),
    ]


def test_an_identifier_can_be_chosen() -> None:
    """SERVICE_ID stands in the place of the whole identifier."""
    assert only(labelled(SERVICE_ID="shop-1")).id == "shop-1"


def test_an_identifier_does_not_depend_on_the_host_port() -> None:
    """A restart that moves the published port changes the service and makes no second one."""
    before, after = (only(container("web", published(80, on=on))) for on in (32768, 32769))
    assert before.id == after.id
    assert before.port != after.port


def test_tags_come_in_order_own_common_udp() -> None:
    """A service's tags, then -tags, then the protocol."""
    entry = labelled(published(53, protocol="udp"), SERVICE_TAGS="b,a")
    assert only(entry, tags="site,rack").tags == ("b", "a", "site", "rack", "udp")


def test_tags_come_in_upstreams_other_order_where_it_is_restored() -> None:
    """Each list is turned round by itself, as upstream's master does."""
    entry = labelled(published(53, protocol="udp"), SERVICE_TAGS="b,a")
    found = only(entry, tags="site,rack", restore=frozenset({"tag-order"}))
    assert found.tags == ("a", "b", "rack", "site", "udp")


@pytest.mark.parametrize("protocol", ["udp", "sctp"])
def test_two_ports_are_never_one_service(protocol: str) -> None:
    """Of two ports with one identifier the first has it, and the other is told why not."""
    entry = labelled(published(80), published(80, on=2, protocol=protocol), SERVICE_ID="shop")
    assert only(entry).port == 32768
    assert reasons(entry) == ["port 80: id 'shop' is already used by another port"]


# Weights and the rest of Consul's own words.


@pytest.mark.parametrize(
    ("labels", "weights"),
    [
        ({}, None),
        ({"PASSING": "10"}, {"Passing": 10, "Warning": 1}),
        ({"WARNING": "0"}, {"Passing": 1, "Warning": 0}),
        ({"PASSING": "65535", "WARNING": "2"}, {"Passing": 65535, "Warning": 2}),
    ],
)
def test_a_service_has_weights(labels: dict[str, str], weights: dict[str, int] | None) -> None:
    """Consul's DNS answers with a strong container more often, if the container says so."""
    entry = labelled(**{f"SERVICE_WEIGHT_{key}": value for key, value in labels.items()})
    assert only(entry).weights == weights
    assert only(entry).meta == {}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False)])
def test_tags_can_be_left_to_others(text: str, value: bool) -> None:
    """SERVICE_ENABLE_TAG_OVERRIDE is Consul's own switch and no metadata."""
    found = only(labelled(SERVICE_ENABLE_TAG_OVERRIDE=text))
    assert (found.enable_tag_override, found.meta) == (value, {})
