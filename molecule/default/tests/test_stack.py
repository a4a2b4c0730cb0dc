"""What every host of the converged stack shows, asked on the host itself.

Seen red with host-3's web container stopped.
"""

from __future__ import annotations

from typing import Any

from rollcall_agents.polling import eventually


def test_the_agent_sees_three_servers_alive(consul: Any) -> None:
    """Every member is a server, and alive."""
    members = consul("/v1/agent/members")
    assert [(member["Status"], member["Tags"]["role"]) for member in members] == [(1, "consul")] * 3


def test_the_agent_knows_a_leader(consul: Any) -> None:
    """The leader's address is one of the hosts'."""
    assert consul("/v1/status/leader").startswith("10.111.152.")


def test_the_catalog_lists_an_instance_of_every_host(consul: Any) -> None:
    """Three passing instances, a tag for each host."""
    found = consul("/v1/health/service/my-web-server?passing")
    tags = sorted(tag for entry in found for tag in entry["Service"]["Tags"])
    assert tags == ["backend-1", "backend-2", "backend-3"]


def test_the_balancer_is_a_service(consul: Any) -> None:
    """At the port that it serves, where its check passes."""
    (found,) = eventually(
        "a balancer that passes", lambda: consul("/v1/health/service/nginx-lb?passing"), 15
    )
    service = found["Service"]
    assert (service["Address"], service["Port"]) == ("10.111.152.136", 80)
    assert service["Meta"]["program"] == "nginx"


def test_the_page_is_answered_by_every_host(answering: Any) -> None:
    """Thirty requests, sent from any host, reach all three."""
    assert answering(30) == {"host-1", "host-2", "host-3"}


def test_containers_start_again_by_themselves(host: Any) -> None:
    """Every container of the collection survives a reboot: its restart policy says so."""
    names = host.check_output("docker ps --filter label=rollcall.owner --format '{{.Names}}'")
    for name in names.split():
        policy = host.docker(name).inspect()["HostConfig"]["RestartPolicy"]["Name"]
        assert policy == "unless-stopped", name


def test_the_data_of_consul_lies_on_a_volume(host: Any) -> None:
    """A recreated container finds its data again; a closed one has its secrets beside it."""
    mounts = host.docker("consul-server").inspect()["Mounts"]
    assert {mount["Destination"]: mount.get("Name") for mount in mounts if mount["RW"]} == {
        "/consul/data": "consul-data"
    }
