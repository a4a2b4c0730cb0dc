"""Where clients reach a port: an address and a number that belong together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    container,
    exposed,
    only,
    published,
    reasons,
    services,
)


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


@pytest.mark.parametrize(
    ("restore", "ip", "address"),
    [
        ((), "", HOST_IP),
        (("container-ip",), "", "172.18.0.5"),
        (("container-ip",), "198.51.100.1", "198.51.100.1"),
    ],
)
def test_upstreams_mixed_address_can_be_restored(
    restore: tuple[str, ...], ip: str, address: str
) -> None:
    """Whoever has built on the container's address with the host's port can have it back (B3)."""
    entry = container(network_mode="shop_default", networks={"shop_default": ("172.18.0.5",)})
    assert only(entry, restore=frozenset(restore), ip=ip).address == address


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("", "172.17.0.2"),
        ("shop", "172.18.0.2"),
        ("backend", "172.19.0.2"),
    ],
)
def test_the_network_can_be_chosen(network: str, address: str) -> None:
    """The default bridge comes first, as at Docker's top level, unless -network says otherwise."""
    networks = {"backend": ("172.19.0.2",), "bridge": ("172.17.0.2",), "shop": ("172.18.0.2",)}
    entry = container(network_mode="shop", networks=networks)
    assert only(entry, internal=True, network=network).address == address


def test_a_container_outside_the_chosen_network_is_told() -> None:
    """An address that nobody there could reach is not registered in its stead."""
    entry = container(networks={"backend": ("172.19.0.2",)})
    assert reasons(entry, internal=True, network="shop") == ["port 80: no address in network shop"]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, ("172.17.0.9", 80)),
        ({"internal": True}, ("172.17.0.9", 80)),
        ({"ip": "198.51.100.1"}, ("198.51.100.1", 32768)),
        ({"use_ip_from_label": "ip"}, ("203.0.113.9", 80)),
    ],
)
def test_a_container_can_live_in_anothers_network(
    changes: dict[str, Any], place: tuple[str, int]
) -> None:
    """Where X's network was joined, X's address counts, after -ip and the label."""
    entry = container(
        labels={"ip": "203.0.113.9/24"},
        network_mode="container:c0ffee",
        networks={"bridge": ("172.17.0.9",)},
    )
    found = only(entry, **changes)
    assert (found.address, found.port) == place


@pytest.mark.parametrize(
    "address", ["a b", "a\nb", "{{key}}", "a;b", "-a", "x" * 300, "0.0.0.0", "::"]
)
def test_a_label_that_holds_no_address_is_told(address: str) -> None:
    """What stands in a label is a stranger's word and is checked before it is an address."""
    [reason] = reasons(container(labels={"ip": address}), use_ip_from_label="ip")
    assert reason.endswith("is neither an IP address nor a host name")


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
    assert services(container(), host_ip="") == []
    assert reasons(container(), host_ip="") == ["port 80: no address: set -ip"]
