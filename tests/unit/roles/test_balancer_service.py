"""A balancer is a service in Consul at the port that it serves, whichever program it runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    ContainerSpec,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.expected_services import (
    RegistratorSettings,
    expected_services,
)
from ansible_collections.rollcall.discovery.plugins.modules import container_set
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    HOST_IP,
    services,
)
from ansible_collections.rollcall.discovery.tests.support.typed import accepted
from registrator.docker.inspect import container_from
from registrator.domain.model import Service
from rollcall_agents.roles import Role

each_balancer = pytest.mark.parametrize("role", ["nginx_lb", "haproxy_lb"])


def specification(role: str, **inputs: Any) -> ContainerSpec:
    """The container that the role asks for."""
    options = Role(role, inputs).options("rollcall.discovery.container_set")
    (container,) = accepted(container_set, options)["containers"]
    return ContainerSpec.from_params(container)


def inspected(role: str, *image_exposes: str, **inputs: Any) -> dict[str, Any]:
    """What docker inspect says of that container, of an image that exposes more ports."""
    spec = specification(role, **inputs)
    ports = [*image_exposes, *spec.get("exposed_ports")]
    return {
        "Id": "0123456789ab",
        "Name": f"/{spec.name}",
        "State": {"Running": True},
        "Config": {
            "Image": spec.image,
            "Labels": dict(spec.get("labels")),
            "ExposedPorts": {port: {} for port in ports},
        },
        "HostConfig": {"NetworkMode": spec.get("network_mode")},
        "NetworkSettings": {"Ports": {}, "Networks": {"host": {"IPAddress": ""}}},
    }


def registered(role: str, *image_exposes: str, ip: str = HOST_IP, **inputs: Any) -> list[Service]:
    """What Registrator makes of it."""
    found = container_from(inspected(role, *image_exposes, **inputs))
    assert found
    return services(found, ip=ip)


@each_balancer
def test_it_is_registered_at_the_port_that_it_serves(role: str) -> None:
    """By its own name, with a check of its health path there."""
    (found,) = registered(role, port=8080, health_path="/up")
    assert (found.name, found.address, found.port) == (role.replace("_", "-"), HOST_IP, 8080)
    assert found.check == {
        "HTTP": f"http://{HOST_IP}:8080/up",
        "Interval": "2s",
        "Timeout": "5s",
    }


@each_balancer
def test_an_ipv6_address_stands_in_brackets_in_its_check(role: str) -> None:
    """The address is that of the host's Registrator."""
    (found,) = registered(role, ip="2001:db8::1")
    assert found.check
    assert found.check["HTTP"] == "http://[2001:db8::1]:80/healthz"


@each_balancer
@pytest.mark.parametrize(("port", "told"), [(8500, "8500"), (0, None)])
def test_its_metadata_says_which_program_it_is_and_where_its_status_is(
    role: str, port: int, told: str | None
) -> None:
    """Without a status port there is none to be said."""
    (found,) = registered(role, status_port=port)
    assert found.meta["program"] == role.removesuffix("_lb")
    assert found.meta.get("status_port") == told


@each_balancer
def test_it_has_no_tag_by_which_it_would_discover_itself(role: str) -> None:
    """A balancer is no instance of what it balances."""
    assert registered(role)[0].tags == ()


@each_balancer
def test_without_a_name_it_is_not_registered(role: str) -> None:
    """Not even by the name of its image."""
    assert registered(role, service_name="") == []


@each_balancer
def test_a_name_that_is_given_is_used(role: str) -> None:
    """And the interval of its check."""
    (found,) = registered(role, service_name="edge", service_check_interval="10s")
    assert found.check
    assert (found.name, found.check["Interval"]) == ("edge", "10s")


@each_balancer
@pytest.mark.parametrize("inputs", [{"port": 8080}, {"service_name": ""}])
def test_the_audit_expects_what_registrator_registers(role: str, inputs: dict[str, Any]) -> None:
    """Two implementations, one answer."""
    rules = RegistratorSettings(hostname=HOST, ip=HOST_IP)
    expected = expected_services(inspected(role, **inputs), rules)
    found = registered(role, **inputs)
    assert [(each.id, each.name, each.port) for each in expected] == [
        (each.id, each.name, each.port) for each in found
    ]


@each_balancer
def test_a_port_that_its_image_exposes_does_not_change_its_name(role: str) -> None:
    """An older image exposes port 80, which nobody serves."""
    found = registered(role, "80/tcp", port=8080)
    assert (role.replace("_", "-"), 8080) in [(each.name, each.port) for each in found]


@each_balancer
def test_its_settings_are_no_part_of_the_container(role: str) -> None:
    """Services, tuning and certificates come into use in the container that runs."""
    certificate = {"name": "main", "certificate": "a PEM", "key": "a key"}
    changed = specification(
        role, services=[{"name": "shop"}], certificates=[certificate], networks=["10.0.0.0/8"]
    )
    assert changed == specification(role)
