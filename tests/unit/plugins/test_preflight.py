"""Mistakes that an inventory or a host shows before anything changes."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight import host as machine
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight.inventory import (
    HostView,
    balancer_problem,
    bootstrap_problem,
    conflicts,
    count_problem,
    registry_problem,
    server_warning,
    service_conflicts,
    unknown_variables,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._preflight.needs import (
    Needs,
    needs_of,
    port_conflicts,
    registry_endpoint,
)


def view(name: str, *roles: str, **variables: Any) -> HostView:
    """One host of the inventory."""
    return HostView(name, frozenset(roles), variables)


def test_two_hosts_of_one_address_are_one_machine() -> None:
    """Both are named, with the address."""
    hosts = [view("a", ansible_host="10.0.0.1"), view("b", ansible_host="10.0.0.1")]
    assert conflicts(hosts) == [
        "address 10.0.0.1 is used by a and b: it must be unique for each host"
    ]


def test_one_address_with_two_ports_is_two_machines() -> None:
    """Forwarded SSH ports are a way to reach several machines."""
    hosts = [
        view("a", ansible_host="10.0.0.1", ansible_port=2201),
        view("b", ansible_host="10.0.0.1", ansible_port=2202),
    ]
    assert conflicts(hosts) == []


def test_node_names_are_compared_across_servers_and_clients_without_case() -> None:
    """Consul's names are one space, and DNS knows no case."""
    hosts = [
        view("a", "consul_server", consul_server_node_name="Node1"),
        view("b", "consul_client", consul_client_node_name="node1"),
    ]
    assert conflicts(hosts) == [
        "node name node1 is used by a and b: it must be unique for each host"
    ]


def test_a_variable_of_a_role_that_the_host_does_not_have_claims_nothing() -> None:
    """A value for all hosts may stand in a common file."""
    hosts = [
        view("a", "registrator", registrator_hostname="r"),
        view("b", registrator_hostname="r"),
    ]
    assert conflicts(hosts) == []


WEB = {"helloworld_service_name": "web", "nginx_lb_service_name": "nginx-lb"}


def test_a_service_belongs_to_one_role() -> None:
    """Whether two roles run on one host or on two, and without case: DNS knows none."""
    hosts = [view("a", "nginx_lb", nginx_lb_service_name="Web"), view("b", "helloworld")]
    assert service_conflicts(hosts, WEB) == [
        "service web is registered by helloworld and nginx_lb: change helloworld_service_name or "
        "nginx_lb_service_name"
    ]


def test_a_role_may_register_its_service_on_every_host() -> None:
    """Instances of one service are what services are for."""
    hosts = [view(name, "helloworld", "nginx_lb") for name in ("a", "b")]
    assert service_conflicts(hosts, WEB) == []


@pytest.mark.parametrize(
    "host",
    [
        view("b", "nginx_lb", nginx_lb_service_name="web", nginx_lb_state="absent"),
        view("b", "nginx_lb", nginx_lb_service_name=""),
        view("b", "registrator", registrator_service_name="web"),
        view("b", "registrator", registrator_service_name="web", registrator_http=""),
    ],
)
def test_what_is_not_registered_claims_no_service(host: HostView) -> None:
    """A role that is removed, a balancer without a name, a Registrator without a status port."""
    assert service_conflicts([view("a", "helloworld"), host], WEB) == []


def test_a_registrator_with_a_status_port_claims_its_service() -> None:
    """As it then registers itself."""
    two = view("b", "registrator", registrator_service_name="web", registrator_http=":8405")
    (sentence,) = service_conflicts([view("a", "helloworld"), two], WEB)
    assert "registered by helloworld and registrator" in sentence


@pytest.mark.parametrize(
    ("service", "services", "sentences"),
    [
        ("Edge", [], 1),
        ("web", [], 0),
        ("edge", [{"name": "shop"}], 0),
        ("web", [{"name": "shop"}, {"name": "edge"}], 1),
    ],
)
def test_a_balancer_does_not_balance_itself(
    service: str, services: list[dict[str, str]], sentences: int
) -> None:
    """The one service counts where there is no list of them."""
    values = {
        "nginx_lb_service_name": "edge",
        "nginx_lb_service": service,
        "nginx_lb_services": services,
    }
    told = balancer_problem("nginx_lb", values.get)
    assert len(told) == sentences
    assert all("nginx_lb_service_name edge is also" in sentence for sentence in told)


@pytest.mark.parametrize("more", [{"nginx_lb_discover": True}, {"nginx_lb_state": "absent"}])
def test_what_is_not_balanced_is_no_problem(more: dict[str, Any]) -> None:
    """Where services are discovered the one service does not count; a balancer may be removed."""
    values = {"nginx_lb_service_name": "edge", "nginx_lb_service": "edge", **more}
    assert balancer_problem("nginx_lb", values.get) == []


@pytest.mark.parametrize("servers", [1, 3, 5])
def test_an_odd_number_of_servers_needs_no_word(servers: int) -> None:
    """One is a choice, three and five are good."""
    assert (count_problem(servers), server_warning(servers)) == ([], None)


@pytest.mark.parametrize(
    ("servers", "loss"), [(2, "no server"), (4, "1 of them"), (6, "2 of them")]
)
def test_an_even_number_is_told_what_it_tolerates(servers: int, loss: str) -> None:
    """No more than one server less would."""
    warning = server_warning(servers)
    assert warning
    assert f"tolerates the loss of {loss}, the same as with {servers - 1}" in warning


def test_no_server_is_refused() -> None:
    """Zero is told as a problem, not as an even number."""
    assert count_problem(0)
    assert server_warning(0) is None


def test_more_servers_expected_than_there_are_would_wait_for_ever() -> None:
    """bootstrap_expect must be reachable."""
    assert bootstrap_problem(3, 3) == []
    assert "would never elect a leader" in bootstrap_problem(3, 5)[0]


@pytest.mark.parametrize(
    ("profile", "uri", "sentences"),
    [
        ("secure", "consul://10.0.0.1:8500", 1),
        ("open", "consul://10.0.0.1:8500", 0),
        ("secure", "consul-tls://10.0.0.1:8501", 0),
        ("secure", "consul://127.0.0.1:8500", 0),
        ("secure", "consul://[::1]:8500", 0),
        ("secure", "consul:", 0),
    ],
)
def test_a_secure_agent_of_another_host_is_asked_over_tls(
    profile: str, uri: str, sentences: int
) -> None:
    """Its plain HTTP is for its own host; the sentence has the right way to write it."""
    told = registry_problem(profile, uri)
    assert len(told) == sentences
    assert all("use consul-tls://10.0.0.1:8501" in sentence for sentence in told)


def test_a_mistyped_variable_is_told_its_nearest_name() -> None:
    """Only names with a role's prefix are judged."""
    known = {"nginx_lb": ["nginx_lb_port"], "helloworld": ["helloworld_count"]}
    found = unknown_variables(["nginx_lb_prot", "my_port", "helloworld_count"], known)
    assert found == ["variable nginx_lb_prot is unknown to every role; did you mean nginx_lb_port?"]


def lookup(**values: Any) -> Any:
    """A role's variables; what is not stated has an innocent value."""
    innocent = {
        "consul_server_http_port": 8500,
        "consul_server_dns_port": 8600,
        "consul_server_advertise": "10.0.0.1",
        "consul_server_image": "consul:1",
        "consul_server_profile": "open",
        "consul_server_pull": "missing",
        "helloworld_image": "hello:1",
        "helloworld_pull": "missing",
        "nginx_lb_image": "lb:1",
        "nginx_lb_pull": "missing",
    }
    return lambda name: {**innocent, **values}.get(name)


def test_a_server_needs_its_ports_and_its_address() -> None:
    """Raft, gossip, HTTP, DNS; 53 only where it is asked for."""
    needs = needs_of("consul_server", lookup(consul_server_http_port=8501))
    assert needs.addresses == ("10.0.0.1",)
    assert {"8300/tcp", "8301/udp", "8501/tcp", "8600/udp"} <= set(needs.ports)
    assert "53/udp" not in needs.ports
    assert "53/udp" in needs_of("consul_server", lookup(consul_server_dns_port_53=True)).ports


def test_a_host_that_shall_run_none_needs_no_image() -> None:
    """helloworld_count=0 is how a host is emptied."""
    assert needs_of("helloworld", lookup(helloworld_count=0)).image is None
    assert needs_of("helloworld", lookup(helloworld_count=2)).image == "hello:1"


def test_a_role_that_shall_be_absent_needs_nothing() -> None:
    """Its removal must not fail for a registry."""
    assert needs_of("nginx_lb", lookup(nginx_lb_state="absent")) == Needs("nginx_lb")


def test_a_balancer_needs_the_ports_of_what_it_does() -> None:
    """TLS where it has certificates, and its status."""
    plain = needs_of("nginx_lb", lookup(nginx_lb_port=80, nginx_lb_status_port=8404))
    assert plain.ports == ("80/tcp", "8404/tcp")
    whole = lookup(
        nginx_lb_port=80,
        nginx_lb_certificates=[{"name": "main"}],
        nginx_lb_tls_port=443,
        nginx_lb_status_port=0,
    )
    assert needs_of("nginx_lb", whole).ports == ("80/tcp", "443/tcp")


@pytest.mark.parametrize(
    ("listen", "mode", "ports"),
    [
        ("", "host", ()),
        (":8405", "host", ("8405/tcp",)),
        ("[::1]:8405", "host", ("8405/tcp",)),
        (":8405", "bridge", ()),
    ],
)
def test_registrators_status_port_is_one_of_the_host(
    listen: str, mode: str, ports: tuple[str, ...]
) -> None:
    """In the host's network."""
    values = {"registrator_http": listen, "registrator_network_mode": mode}
    assert needs_of("registrator", values.get).ports == ports


def test_a_port_that_two_roles_want_is_a_conflict() -> None:
    """Both roles are named."""
    needs = [Needs("nginx_lb", ports=("80/tcp",)), Needs("consul_server", ports=("80/tcp",))]
    assert port_conflicts(needs) == [
        "port 80/tcp is used by nginx_lb and consul_server: change the port of one of them"
    ]


@pytest.mark.parametrize(
    ("reference", "endpoint"),
    [
        ("nginx", ("registry-1.docker.io", 443)),
        ("hashicorp/consul:1.22", ("registry-1.docker.io", 443)),
        ("registry.example.org/a/b:1", ("registry.example.org", 443)),
        ("10.0.0.2:5000/a@sha256:0", ("10.0.0.2", 5000)),
        ("localhost/a", ("localhost", 443)),
    ],
)
def test_an_image_reference_names_its_registry(reference: str, endpoint: tuple[str, int]) -> None:
    """Docker's own rule: the first part is a host where it has a dot, a colon, or is localhost."""
    assert registry_endpoint(reference) == endpoint


def test_a_secure_agent_is_known_by_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this owner, and a container that is stopped as well."""
    asked: list[str] = []

    def get(_docker: machine.Docker, path: str) -> tuple[int, Any]:
        asked.append(path)
        return 200, [{"Names": ["/consul-server"]}]

    monkeypatch.setattr(machine.Docker, "get", get)
    assert machine.Docker("/run/docker.sock").secure_containers("consul_server") == [
        "consul-server"
    ]
    query = urllib.parse.parse_qs(asked[0].partition("?")[2])
    assert query["all"] == ["true"]
    assert json.loads(query["filters"][0]) == {
        "label": ["rollcall.secured", "rollcall.owner=consul_server"]
    }
