"""What the hosts told becomes one system."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.results import system_of
from ansible_collections.rollcall.discovery.plugins.module_utils._topology.system import (
    BALANCER,
    CONSUL,
    REGISTRATOR,
    SERVICE,
)
from stack_results import consul, container, host, instance, served, web, whole


@pytest.mark.parametrize(
    ("owner", "image", "kind"),
    [
        ("consul_server", "mirror:5000/hashicorp/consul:1.22.7", CONSUL),
        ("consul_client", "anything", CONSUL),
        ("registrator", "anything", REGISTRATOR),
        ("nginx_lb", "anything", BALANCER),
        ("", "gliderlabs/registrator:latest", REGISTRATOR),
        ("", "consul", CONSUL),
        ("", "nginx:1.30", SERVICE),
        ("shop", "consul:1.22", SERVICE),
    ],
)
def test_a_containers_part_is_told_by_its_owner_or_its_image(
    owner: str, image: str, kind: str
) -> None:
    """A foreign Registrator is known by its image, a service of somebody's by its owner."""
    told = container("x", owner, image=image)
    system = system_of({"h1": host("10.0.0.1", told)}, ())
    assert system.hosts[0].containers[0].kind == kind


def test_a_registration_belongs_to_the_container_at_its_port() -> None:
    """By the host's address and port."""
    system = system_of(whole(), ())
    (own,) = system.hosts[0].of(SERVICE)
    assert [each.id for each in system.registrations(system.hosts[0], own)] == ["10.0.0.1:32768"]
    assert system.strays(system.hosts[0]) == ()


def test_a_registration_may_have_the_containers_own_address() -> None:
    """As with -internal."""
    known = consul(instance("172.17.0.2", 80))
    system = system_of({"h1": host("10.0.0.1", web(), consul=known)}, ())
    (own,) = system.hosts[0].of(SERVICE)
    assert len(system.registrations(system.hosts[0], own)) == 1
    assert system.elsewhere() == ()


def test_a_registration_without_a_container_is_a_stray() -> None:
    """At a host's address, or at nobody's."""
    known = consul(instance("10.0.0.1", 40000), instance("10.9.9.9", 1), instance("10.9.9.9", 0))
    system = system_of({"h1": host("10.0.0.1", web(), consul=known)}, ())
    assert [each.port for each in system.strays(system.hosts[0])] == [40000]
    assert [each.place for each in system.elsewhere()] == ["10.9.9.9:1"]


def test_the_agent_that_knows_a_leader_is_believed() -> None:
    """One that is cut off knows an old story."""
    lost = host("10.0.0.1", consul=consul(instance("10.0.0.1"), leader="", n1="10.0.0.1"))
    well = host("10.0.0.2", consul=consul(leader="n2", n2="10.0.0.2"))
    assert system_of({"h1": lost, "h2": well}, ()).leader == "n2"
    assert len(system_of({"h1": lost}, ()).instances) == 1


def test_without_any_agent_the_containers_are_told() -> None:
    """And that no agent answered."""
    system = system_of({"h1": host("10.0.0.1", web(), problems=["no agent\n there"])}, ())
    assert system.problem == "no Consul agent answered"
    assert (system.hosts[0].problem, len(system.hosts[0].containers)) == ("no agent there", 1)


@pytest.mark.parametrize(
    "result",
    [{"unreachable": True, "msg": "no route"}, {"failed": True, "msg": "no route"}],
)
def test_a_host_that_told_nothing_has_its_reason(result: dict[str, t.Any]) -> None:
    """It stays in the picture."""
    (found,) = system_of({"h1": result}, ()).hosts
    assert (found.name, found.address, found.problem) == ("h1", "h1", "no route")


def test_consuls_own_service_is_left_to_the_members() -> None:
    """Its servers register themselves at port 8300, where no container is published."""
    known = consul(instance("10.0.0.1", 8300, service="consul"), instance("10.0.0.1"))
    system = system_of({"h1": host("10.0.0.1", consul=known)}, ())
    assert system.followed == ("web",)
    assert [each.service for each in system.instances] == ["web"]


def test_the_stacks_own_services_are_not_balanced() -> None:
    """Nor does a balancer send requests to another one, or to a Registrator."""
    parts = served("lb", "nginx_lb", 80), served("registrator", "registrator", 8405)
    known = consul(
        instance("10.0.0.1"),
        instance("10.0.0.1", 80, service="edge"),
        instance("10.0.0.1", 8405, service="registrator"),
    )
    system = system_of({"h1": host("10.0.0.1", *parts, web(), consul=known)}, ())
    assert system.followed == ("web",)
    assert system.strays(system.hosts[0]) == ()


@pytest.mark.parametrize(
    ("followed", "status", "sent"),
    [((), "passing", True), (("web",), "passing", True), (("shop",), "passing", False)]
    + [(("web",), status, False) for status in ("warning", "critical")],
)
def test_only_what_passes_is_sent_requests(
    followed: tuple[str, ...], status: str, sent: bool
) -> None:
    """Of the services that are balanced."""
    known = consul(instance("10.0.0.1", status=status))
    system = system_of({"h1": host("10.0.0.1", web(), consul=known)}, followed)
    assert system.upstream(system.instances[0]) is sent
