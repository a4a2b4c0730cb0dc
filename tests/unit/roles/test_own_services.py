"""What the roles run beside web services is a service in Consul at the port that it serves."""

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
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.registrator import (
    specification,
)
from ansible_collections.rollcall.discovery.plugins.modules import (
    container_set,
    registrator_container,
)
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


def balancer(role: str, **inputs: Any) -> ContainerSpec:
    """The container that the role of a balancer asks for."""
    options = Role(role, inputs).options("rollcall.discovery.container_set")
    (container,) = accepted(container_set, options)["containers"]
    return ContainerSpec.from_params(container)


def registrator(**inputs: Any) -> ContainerSpec:
    """The container that the role registrator asks for."""
    needed = {"hostname": HOST, "ip": HOST_IP, "socket_proxy": False, "token": "", "ca": ""}
    options = Role("registrator", {**needed, **inputs}).options(
        "rollcall.discovery.registrator_container"
    )
    return specification(accepted(registrator_container, options))


def inspected(spec: ContainerSpec, *image_exposes: str) -> dict[str, Any]:
    """What docker inspect says of a container, of an image that exposes more ports."""
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


def registered(spec: ContainerSpec, *image_exposes: str, ip: str = HOST_IP) -> list[Service]:
    """What Registrator makes of it."""
    found = container_from(inspected(spec, *image_exposes))
    assert found
    return services(found, ip=ip)


@each_balancer
def test_it_is_registered_at_the_port_that_it_serves(role: str) -> None:
    """By its own name, with a check of its health path there."""
    (found,) = registered(balancer(role, port=8080, health_path="/up"))
    assert (found.name, found.address, found.port) == (role.replace("_", "-"), HOST_IP, 8080)
    assert found.check == {
        "HTTP": f"http://{HOST_IP}:8080/up",
        "Interval": "2s",
        "Timeout": "5s",
    }


@each_balancer
def test_an_ipv6_address_stands_in_brackets_in_its_check(role: str) -> None:
    """The address is that of the host's Registrator."""
    (found,) = registered(balancer(role), ip="2001:db8::1")
    assert found.check
    assert found.check["HTTP"] == "http://[2001:db8::1]:80/healthz"


@each_balancer
@pytest.mark.parametrize(("port", "told"), [(8500, "8500"), (0, None)])
def test_its_metadata_says_which_program_it_is_and_where_its_status_is(
    role: str, port: int, told: str | None
) -> None:
    """Without a status port there is none to be said."""
    (found,) = registered(balancer(role, status_port=port))
    assert found.meta["program"] == role.removesuffix("_lb")
    assert found.meta.get("status_port") == told


@each_balancer
def test_it_has_no_tag_by_which_it_would_discover_itself(role: str) -> None:
    """A balancer is no instance of what it balances."""
    assert registered(balancer(role))[0].tags == ()


@each_balancer
def test_without_a_name_it_is_not_registered(role: str) -> None:
    """Not even by the name of its image."""
    assert registered(balancer(role, service_name="")) == []


@each_balancer
def test_a_name_that_is_given_is_used(role: str) -> None:
    """And the interval of its check."""
    (found,) = registered(balancer(role, service_name="edge", service_check_interval="10s"))
    assert found.check
    assert (found.name, found.check["Interval"]) == ("edge", "10s")


@each_balancer
def test_a_port_that_its_image_exposes_does_not_change_its_name(role: str) -> None:
    """An older image exposes port 80, which nobody serves."""
    found = registered(balancer(role, port=8080), "80/tcp")
    assert (role.replace("_", "-"), 8080) in [(each.name, each.port) for each in found]


@each_balancer
def test_its_settings_are_no_part_of_the_container(role: str) -> None:
    """Services, tuning and certificates come into use in the container that runs."""
    certificate = {"name": "main", "certificate": "a PEM", "key": "a key"}
    changed = balancer(
        role, services=[{"name": "shop"}], certificates=[certificate], networks=["10.0.0.0/8"]
    )
    assert changed == balancer(role)


def test_a_registrator_with_a_status_port_registers_itself() -> None:
    """At that port, with the check that it answers there."""
    (found,) = registered(registrator(http=":8405"))
    assert (found.name, found.address, found.port) == ("registrator", HOST_IP, 8405)
    assert found.check == {"HTTP": f"http://{HOST_IP}:8405/healthz", "Interval": "10s"}


@pytest.mark.parametrize("inputs", [{}, {"http": ":8405", "service_name": ""}])
def test_a_registrator_without_one_does_not(inputs: dict[str, Any]) -> None:
    """Nor one without a name."""
    assert registered(registrator(**inputs)) == []


@pytest.mark.parametrize(
    ("role", "inputs"),
    [
        ("nginx_lb", {"port": 8080}),
        ("nginx_lb", {"service_name": ""}),
        ("haproxy_lb", {"port": 8080}),
        ("registrator", {"http": ":8405"}),
        ("registrator", {}),
    ],
)
def test_the_audit_expects_what_registrator_registers(role: str, inputs: dict[str, Any]) -> None:
    """Two implementations, one answer."""
    spec = registrator(**inputs) if role == "registrator" else balancer(role, **inputs)
    rules = RegistratorSettings(hostname=HOST, ip=HOST_IP)
    expected = expected_services(inspected(spec), rules)
    assert [(each.id, each.name, each.port) for each in expected] == [
        (each.id, each.name, each.port) for each in registered(spec)
    ]
