"""Builders: what stack_info returned, with only what a story is about."""

from __future__ import annotations

import typing as t

Result = dict[str, t.Any]


def container(name: str, owner: str = "", **changes: t.Any) -> Result:
    """A container that runs and publishes nothing."""
    usual = {"image": f"example/{owner or name}:1", "status": "running", "health": ""}
    return {"name": name, "owner": owner, **usual, "addresses": [], "ports": [], **changes}


def web(name: str = "web-1", port: int = 32768, **changes: t.Any) -> Result:
    """A web container at a port of its host."""
    ports = [{"host": port, "container": 80}]
    return container(name, "web", **{"ports": ports, "addresses": ["172.17.0.2"], **changes})


def instance(address: str, port: int = 32768, **changes: t.Any) -> Result:
    """A registration that passes."""
    usual = {"service": "web", "id": f"{address}:{port}", "node": "n1", "tags": []}
    return {**usual, "address": address, "port": port, "status": "passing", **changes}


def served(name: str, owner: str, port: int) -> Result:
    """A part of the stack in the host's network, which serves a port."""
    return container(name, owner, ports=[{"host": port, "container": port}])


def consul(*instances: Result, leader: str = "n1", **members: str) -> Result:
    """What an agent knows; members by their names, `address status` or `address`."""
    return {
        "leader": "10.0.0.1:8300" if leader else "",
        "leader_node": leader,
        "members": [
            {
                "name": name,
                "address": said.split()[0],
                "role": "server",
                "status": [*said.split(), "alive"][1],
            }
            for name, said in members.items()
        ],
        "instances": list(instances),
    }


def host(address: str, *containers: Result, consul: Result | None = None, **more: t.Any) -> Result:
    """What one host told."""
    told = {"address": address, "containers": list(containers), "consul": consul, "problems": []}
    return {**told, **more}


STACK = (
    container("lb", "nginx_lb"),
    web(),
    container("registrator", "registrator"),
    container("consul-server", "consul_server"),
)


def whole() -> dict[str, Result]:
    """One host with everything, all of it well."""
    return {"h1": host("10.0.0.1", *STACK, consul=consul(instance("10.0.0.1"), n1="10.0.0.1"))}
