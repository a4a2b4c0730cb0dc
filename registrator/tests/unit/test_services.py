"""A container and its labels become services with names, identifiers, addresses and checks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator.services import default_name

from .builders import HOST_IP, container, exposed, labelled, only, published, reasons, services

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
    assert reasons(container("web", exposed(80))) == ["no published ports"]


def test_unpublished_ports_are_left_out_silently() -> None:
    """One published port makes one service however many the image exposes."""
    entry = container("web", published(80), exposed(443))
    assert [service.id for service in services(entry)] == ["host-1:web:80"]
    assert reasons(entry) == []


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
    ],
)
def test_an_image_has_a_name_of_its_own(image: str, name: str) -> None:
    """Registry, path, tag and digest are not part of a service's name."""
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


# Addresses.


@pytest.mark.parametrize(
    ("bound", "address"),
    [
        ("0.0.0.0", HOST_IP),
        ("", HOST_IP),
        ("::", HOST_IP),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
def test_a_binding_gives_the_address(bound: str, address: str) -> None:
    """Published everywhere means the host's address, published on one address means that."""
    assert only(container("web", published(80, ip=bound))).address == address


def test_an_address_can_be_forced() -> None:
    """-ip beats what Docker says of the binding."""
    assert only(container("web", published(80, ip="192.0.2.7")), ip="198.51.100.1").address == (
        "198.51.100.1"
    )


def test_a_network_of_ones_own_does_not_mix_addresses() -> None:
    """A compose project's published port is found at the host, never at the container (B3)."""
    entry = container(network_mode="shop_default", networks={"shop_default": ("172.18.0.5",)})
    service = only(entry)
    assert (service.address, service.port) == (HOST_IP, 32768)


def test_internal_registers_the_containers_own_side() -> None:
    """With -internal clients reach the container's address and the exposed port."""
    entry = container("web", exposed(80), networks={"bridge": ("172.17.0.2", "2001:db8::2")})
    service = only(entry, internal=True)
    assert (service.address, service.port) == ("172.17.0.2", 80)


def test_internal_ignores_the_published_port() -> None:
    """With -internal a published port is registered by its exposed number."""
    entry = container("web", published(80, on=32768), networks={"bridge": ("172.17.0.2",)})
    assert only(entry, internal=True, ip="198.51.100.1").port == 80
    assert only(entry, internal=True, ip="198.51.100.1").address == "172.17.0.2"


def test_of_several_networks_always_the_same_is_taken() -> None:
    """The order in which Docker lists networks is an accident and decides nothing."""
    networks = {"b": ("172.18.0.2",), "a": ("172.17.0.2",)}
    swapped = dict(reversed(networks.items()))
    assert only(container(networks=networks), internal=True).address == "172.17.0.2"
    assert only(container(networks=swapped), internal=True).address == "172.17.0.2"


def test_internal_on_the_hosts_network_is_the_host() -> None:
    """A container without an address of its own has the host's."""
    entry = container(network_mode="host", networks={"host": ()})
    assert only(entry, internal=True).address == HOST_IP


@pytest.mark.parametrize("mode", [{}, {"internal": True}, {"ip": "198.51.100.1"}])
def test_a_label_can_hold_the_address(mode: dict[str, Any]) -> None:
    """With -useIpFromLabel the label beats every other source, without its mask."""
    entry = container(labels={"ip": "203.0.113.9/24"}, networks={"bridge": ("172.17.0.2",)})
    assert only(entry, use_ip_from_label="ip", **mode).address == "203.0.113.9"


def test_a_container_without_the_label_has_the_usual_address() -> None:
    """-useIpFromLabel does not lose the containers that lack it."""
    assert only(container(), use_ip_from_label="ip").address == HOST_IP


def test_a_host_that_does_not_know_its_address_registers_nothing() -> None:
    """A service without an address would be looked for at the agent: the reason says what to do."""
    assert services(container(), own_ip="") == []
    assert reasons(container(), own_ip="") == ["port 80: no address: set -ip"]


# Checks.

_AT = f"{HOST_IP}:32768"


@pytest.mark.parametrize(
    ("labels", "check"),
    [
        ({}, None),
        ({"HTTP": "/up"}, {"HTTP": f"http://{_AT}/up", "Interval": "10s"}),
        ({"HTTPS": "/up"}, {"HTTP": f"https://{_AT}/up", "Interval": "10s"}),
        (
            {"HTTP": "/up", "HTTP_METHOD": "HEAD"},
            {"HTTP": f"http://{_AT}/up", "Method": "HEAD", "Interval": "10s"},
        ),
        (
            {"HTTPS": "/up", "HTTPS_METHOD": "HEAD", "HTTP_METHOD": "PUT"},
            {"HTTP": f"https://{_AT}/up", "Method": "HEAD", "Interval": "10s"},
        ),
        ({"TTL": "30s"}, {"TTL": "30s"}),
        ({"TTL": "30s", "INTERVAL": "5s", "TIMEOUT": "1s"}, {"TTL": "30s"}),
        ({"TCP": "true"}, {"TCP": _AT, "Interval": "10s"}),
        ({"GRPC": "true"}, {"GRPC": _AT, "GRPCUseTLS": False, "Interval": "10s"}),
        (
            {"GRPC": "true", "GRPC_USE_TLS": "true", "TLS_SKIP_VERIFY": "true"},
            {"GRPC": _AT, "GRPCUseTLS": True, "TLSSkipVerify": True, "Interval": "10s"},
        ),
        (
            {"TCP": "true", "INTERVAL": "5s", "TIMEOUT": "1s"},
            {"TCP": _AT, "Interval": "5s", "Timeout": "1s"},
        ),
        (
            {"TTL": "30s", "INITIAL_STATUS": "passing", "DEREGISTER_AFTER": "1h"},
            {"TTL": "30s", "Status": "passing", "DeregisterCriticalServiceAfter": "1h"},
        ),
        ({"INTERVAL": "5s"}, None),
    ],
)
def test_labels_ask_for_a_check(labels: dict[str, str], check: dict[str, Any] | None) -> None:
    """Each kind of check becomes Consul's own keys, with upstream's defaults."""
    found = only(labelled(**{f"SERVICE_CHECK_{key}": text for key, text in labels.items()}))
    assert found.check == check


@pytest.mark.parametrize(
    ("first", "second"),
    [("HTTP", "HTTPS"), ("HTTPS", "TTL"), ("TTL", "TCP"), ("TCP", "GRPC")],
)
def test_of_two_checks_the_first_kind_wins(first: str, second: str) -> None:
    """A service has exactly one check, whatever the labels' order."""
    alone = labelled(**{f"SERVICE_CHECK_{first}": "30s"})
    both = labelled(**{f"SERVICE_CHECK_{second}": "9s", f"SERVICE_CHECK_{first}": "30s"})
    assert only(both).check == only(alone).check


@pytest.mark.parametrize(
    ("kind", "key", "target"),
    [
        ("HTTP", "HTTP", "http://[2001:db8::7]:32768/"),
        ("HTTPS", "HTTP", "https://[2001:db8::7]:32768/"),
        ("TCP", "TCP", "[2001:db8::7]:32768"),
        ("GRPC", "GRPC", "[2001:db8::7]:32768"),
    ],
)
def test_a_check_brackets_an_ipv6_address(kind: str, key: str, target: str) -> None:
    """An IPv6 address and a port are told apart by brackets (B11)."""
    entry = labelled(published(80, ip="2001:db8::7"), **{f"SERVICE_CHECK_{kind}": "/"})
    check = only(entry).check
    assert check is not None
    assert check[key] == target


def test_two_ports_can_have_two_checks() -> None:
    """A check that is said of one port is that port's alone."""
    entry = labelled(published(80), published(9000), SERVICE_80_CHECK_TCP="true")
    assert [bool(service.check) for service in services(entry)] == [True, False]


# Metadata and what Consul could not bear.


def test_other_keys_become_metadata() -> None:
    """What is no word of ours is the service's own, checks included as upstream has it."""
    entry = labelled(
        SERVICE_NAME="shop",
        SERVICE_ID="shop-1",
        SERVICE_TAGS="blue",
        SERVICE_OWNER="team-a",
        SERVICE_CHECK_TCP="true",
    )
    assert only(entry).meta == {"owner": "team-a", "check_tcp": "true"}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"SERVICE_NAME": "my shop"}, "name 'my shop' is not a service name"),
        ({"SERVICE_NAME": "-shop"}, "name '-shop' is not a service name"),
        ({"SERVICE_NAME": "s" * 129}, "is not a service name"),
        ({"SERVICE_ID": "shop\n1"}, "has control characters or braces"),
        ({"SERVICE_ID": "s" * 256}, "is too long"),
        ({"SERVICE_TAGS": "blue,{{key}}"}, "tag '{{key}}' has control characters or braces"),
        ({"SERVICE_TAGS": "t" * 256}, "is too long"),
        ({"SERVICE_A.B": "x"}, "metadata 'a.b' does not fit Consul's limits"),
        ({"SERVICE_" + "K" * 129: "x"}, "does not fit Consul's limits"),
        ({"SERVICE_NOTE": "ä" * 257}, "metadata 'note' does not fit Consul's limits"),
        ({"SERVICE_NOTE": "a\nb"}, "metadata 'note' has control characters"),
        ({f"SERVICE_K{n}": "x" for n in range(61)}, "61 metadata pairs are more than 60"),
    ],
)
def test_what_consul_could_not_bear_is_told(labels: dict[str, str], reason: str) -> None:
    """A service that Consul or its readers would choke on is ignored, with the reason."""
    assert services(labelled(**labels)) == []
    [told] = reasons(labelled(**labels))
    assert told.startswith("port 80: ")
    assert reason in told


@pytest.mark.parametrize(
    "labels",
    [
        {"SERVICE_NAME": "s" * 128},
        {"SERVICE_TAGS": "t" * 255},
        {"SERVICE_" + "K" * 128: "x"},
        {"SERVICE_NOTE": "ä" * 256},
        {f"SERVICE_K{n}": "x" for n in range(60)},
    ],
)
def test_consuls_limits_can_be_reached(labels: dict[str, str]) -> None:
    """The limit itself is still allowed."""
    assert reasons(labelled(**labels)) == []


def test_a_bad_port_costs_the_others_nothing() -> None:
    """One port's impossible name leaves the container's other services as they are."""
    entry = labelled(published(80), published(443), SERVICE_80_NAME="my shop")
    assert [service.id for service in services(entry)] == ["host-1:web:443"]


# Digits lead to the trouble that test_labels knows.
_KEYS = st.text(max_size=6).map(lambda key: "".join(char for char in key if not char.isdigit()))
_WORDS = st.sampled_from(["NAME", "ID", "TAGS", "CHECK_HTTP"])


@given(st.dictionaries(_WORDS | _KEYS, st.text(max_size=12), max_size=4))
def test_no_label_makes_a_service_that_consul_would_refuse(labels: dict[str, str]) -> None:
    """Whatever a container says, what comes out of it fits Consul's grammar."""
    entry = container(labels={f"SERVICE_{key}": value for key, value in labels.items()})
    assert len(services(entry)) + len(reasons(entry)) == 1
    for service in services(entry):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", service.name)
        assert not any(re.search(r"[\x00-\x1f{}]", text) for text in (service.id, *service.tags))
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,128}", key) for key in service.meta)
