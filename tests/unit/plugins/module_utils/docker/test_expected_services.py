"""Which ports of a container ask to be registered, and as what."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.expected_services import (
    ExpectedService,
    RegistratorSettings,
    expected_services,
)

RULES = RegistratorSettings(hostname="reg-1", ip="10.0.0.1")
BOUND = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}]}


def container(
    *env: str,
    ports: dict[str, t.Any] | None = None,
    exposed: t.Sequence[str] = (),
    mode: str = "bridge",
    labels: dict[str, str] | None = None,
    image: str = "registry:5000/shop/web:2",
    **state: t.Any,
) -> dict[str, t.Any]:
    """A running container that publishes its port 80 as 32768."""
    return {
        "Id": "0123456789abcdef",
        "Name": "/web",
        "State": {"Running": True, **state},
        "Config": {
            "Image": image,
            "Env": list(env),
            "Labels": labels,
            "ExposedPorts": {key: {} for key in exposed} or None,
        },
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {
            "Ports": BOUND if ports is None else ports,
            "Networks": {"bridge": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""}},
        },
    }


def offers(found: dict[str, t.Any], **rules: t.Any) -> list[tuple[str, str, int]]:
    """Identifier, name and port of each offer."""
    usual = {"hostname": "reg-1", "ip": "10.0.0.1"}
    asked = expected_services(found, RegistratorSettings(**{**usual, **rules}))
    return [(each.id, each.name, each.port) for each in asked]


def test_a_published_port_is_offered_at_the_hosts_address() -> None:
    """The identifier is upstream's, the name the image's."""
    assert expected_services(container(), RULES) == (
        ExpectedService("reg-1:web:80", "web", "web", "0123456789ab", 32768, ("10.0.0.1",)),
    )


@pytest.mark.parametrize("state", [{"Running": False}, {"Restarting": True}])
def test_what_does_not_run_offers_nothing(state: dict[str, bool]) -> None:
    """Nobody answers there."""
    assert offers(container(**state)) == []


@pytest.mark.parametrize(
    "found",
    [
        container("SERVICE_IGNORE=1"),
        container("SERVICE_80_IGNORE=yes"),
        container(labels={"SERVICE_IGNORE": "true"}),
        container(ports={"80/tcp": None}, exposed=["80/tcp"]),
        container(ports={}, exposed=["80/tcp"]),
        container(ports={}),
    ],
)
def test_what_is_ignored_or_not_published_offers_nothing(found: dict[str, t.Any]) -> None:
    """Neither is missing."""
    assert offers(found) == []


@pytest.mark.parametrize(
    ("env", "labels", "name"),
    [
        (["SERVICE_NAME=shop"], None, "shop"),
        (["SERVICE_NAME=shop"], {"SERVICE_NAME": "label"}, "label"),
        (["SERVICE_NAME=shop", "SERVICE_80_NAME=port"], None, "port"),
        (["SERVICE_81_NAME=other", "SERVICE_NAME="], None, "web"),
    ],
)
def test_the_name_is_the_strongest_word(
    env: list[str], labels: dict[str, str] | None, name: str
) -> None:
    """Labels beat the environment, the port's own key both."""
    assert offers(container(*env, labels=labels)) == [("reg-1:web:80", name, 32768)]


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("web", "web"),
        ("shop/web@sha256:" + "a" * 64, "web"),
        ("sha256:" + "ab" * 32, "ab" * 6),
    ],
)
def test_a_container_without_a_name_has_its_images(image: str, name: str) -> None:
    """Without registry, tag and digest; an image without a name has its identifier."""
    assert offers(container(image=image)) == [("reg-1:web:80", name, 32768)]


def test_several_ports_are_told_apart() -> None:
    """By number in the name, by number and protocol in the identifier."""
    ports = {"80/tcp": [{"HostPort": "1"}], "53/udp": [{"HostPort": "2"}]}
    assert offers(container("SERVICE_80_NAME=page", ports=ports)) == [
        ("reg-1:web:53:udp", "web-53", 2),
        ("reg-1:web:80", "page", 1),
    ]


def test_one_identifier_for_two_ports_is_the_first_ports() -> None:
    """The second one cannot be registered, and is not missing."""
    ports = {"81/tcp": [{"HostPort": "2"}], "80/tcp": [{"HostPort": "1"}]}
    assert offers(container("SERVICE_ID=one", ports=ports)) == [("one", "web-80", 1)]


def test_an_explicit_registrator_wants_a_name() -> None:
    """What does not name itself asks for nothing."""
    assert offers(container(), explicit=True) == []
    assert offers(container("SERVICE_NAME=a"), explicit=True) == [("reg-1:web:80", "a", 32768)]


@pytest.mark.parametrize(
    ("mode", "port"), [("host", 80), ("macvlan", 80), ("container:abc", 80), ("bridge", None)]
)
def test_an_exposed_port_counts_where_it_can_be_reached(mode: str, port: int | None) -> None:
    """On the host's network, in a network of its own, or in another container's."""
    expected = [] if port is None else [("reg-1:web:80", "web", port)]
    assert offers(container(ports={}, exposed=["80/tcp"], mode=mode)) == expected


def test_an_internal_registrator_takes_the_containers_place() -> None:
    """Its own address and the exposed port, published or not."""
    rules = RegistratorSettings(hostname="reg-1", ip="10.0.0.1", internal=True)
    (offer,) = expected_services(container(), rules)
    assert (offer.port, offer.addresses) == (80, ("172.17.0.2",))


@pytest.mark.parametrize(
    ("label", "address"), [("10.5.0.2/24", "10.5.0.2"), ("10.5.0.3", "10.5.0.3"), ("", "10.0.0.1")]
)
def test_a_label_may_give_the_address(label: str, address: str) -> None:
    """Without its mask; a container without the label has the host's."""
    rules = RegistratorSettings(hostname="reg-1", ip="10.0.0.1", label="addr")
    (offer,) = expected_services(container(labels={"addr": label}), rules)
    assert offer.addresses == (address,)


def test_without_an_ip_no_address_is_expected() -> None:
    """Only Registrator knows what its host's name resolves to."""
    (offer,) = expected_services(container(), RegistratorSettings(hostname="reg-1"))
    assert offer.addresses == ()


def test_a_damaged_answer_offers_nothing() -> None:
    """Docker leaves out what a container does not have."""
    assert expected_services({}, RULES) == ()
    assert expected_services({"State": {"Running": True}}, RULES) == ()
    assert offers(container(ports={"all/tcp": [{}], "/": None})) == []
