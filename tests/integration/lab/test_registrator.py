"""The daemon against real engines and a real Consul: no ghost, no duplicate, no missing service."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .conftest import HOSTS, Eventually, Lab

IMAGE = "10.111.152.2:5000/rollcall/helloworld:1.0.0"
SERVICE = "burst"
START = (
    f"docker run -d --name {{name}} -p 80 -e SERVICE_NAME={SERVICE} --label burst=1 "
    f"--stop-timeout 1 --entrypoint sleep {IMAGE} infinity > /dev/null"
)
REMOVE = "docker ps -aq --filter label=burst | xargs -r docker rm -f > /dev/null"

every_engine = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture(autouse=True)
def _clean(lab: Lab, eventually: Eventually) -> Iterator[None]:
    """No container of a story outlives it, and the next one begins with the truth."""
    yield
    for host in HOSTS:
        lab.ssh(host, f"docker start registrator consul-server > /dev/null; {REMOVE}")
    eventually(lambda: all(registered(lab, host) == {} for host in HOSTS), 30)
    eventually(lambda: len(lab.passing()) == 3 and lab.passing() == lab.containers(), 30)


def start(lab: Lab, host: str, *names: str) -> None:
    """Start containers at once."""
    commands = " & ".join(START.format(name=name) for name in names)
    lab.ssh(host, f"{commands} & wait")


def registered(lab: Lab, host: str) -> dict[str, int]:
    """Container name and port of each service of the burst, as the host's agent has it."""
    found = lab.consul("/v1/agent/services", host)
    return {
        identifier.split(":")[1]: entry["Port"]
        for identifier, entry in found.items()
        if entry["Service"] == SERVICE
    }


def published(lab: Lab, host: str) -> dict[str, int]:
    """Container name and host port of each running container of the burst: the truth."""
    template = '{{.Name}} {{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}'
    output = lab.ssh(
        host, f"docker ps -q --filter label=burst | xargs -r docker inspect -f '{template}'"
    )
    rows = (line.split() for line in output.splitlines())
    return {name.lstrip("/"): int(port) for name, port in rows}


def truth(lab: Lab, host: str, count: int) -> bool:
    """Whether exactly the running containers are registered, with their present ports."""
    now = registered(lab, host)
    return len(now) == count and now == published(lab, host)


@every_engine
def test_a_burst_is_registered_and_removed_to_the_last_one(
    lab: Lab, host: str, eventually: Eventually
) -> None:
    """Fifty start at once and fifty are registered; fifty go at once and none is left."""
    start(lab, host, *(f"burst-{number}" for number in range(50)))
    eventually(lambda: truth(lab, host, 50), 5)
    lab.ssh(host, REMOVE)
    eventually(lambda: registered(lab, host) == {}, 5)


@every_engine
def test_a_restart_brings_its_new_port(lab: Lab, host: str, eventually: Eventually) -> None:
    """A random port changes with a restart; the registration follows."""
    start(lab, host, "burst-a")
    eventually(lambda: truth(lab, host, 1), 5)
    before = published(lab, host)
    lab.ssh(host, "docker restart -t 0 burst-a > /dev/null")
    eventually(lambda: truth(lab, host, 1), 5)
    assert published(lab, host) != before


@every_engine
def test_what_happened_while_it_was_away_is_made_up_for(
    lab: Lab, host: str, eventually: Eventually
) -> None:
    """Killed while ten stop and ten start, it is right two seconds after its return."""
    start(lab, host, *(f"old-{number}" for number in range(10)))
    eventually(lambda: truth(lab, host, 10), 5)
    lab.ssh(host, "docker kill registrator > /dev/null")
    lab.ssh(host, REMOVE)
    start(lab, host, *(f"new-{number}" for number in range(10)))
    lab.ssh(host, "docker start registrator > /dev/null")
    eventually(lambda: truth(lab, host, 10), 2)


def test_a_long_outage_of_consul_ends_with_the_truth(lab: Lab, eventually: Eventually) -> None:
    """A minute without the agent: the daemon runs on, and what changed meanwhile is registered."""
    start(lab, "host-2", "before")
    eventually(lambda: truth(lab, "host-2", 1), 5)
    since = lab.ssh("host-2", "docker inspect -f '{{.State.StartedAt}}' registrator")
    lab.ssh("host-2", "docker stop consul-server > /dev/null")
    stopped = time.monotonic()
    lab.ssh("host-2", REMOVE)
    start(lab, "host-2", "during-1", "during-2")
    time.sleep(max(0.0, 60 - (time.monotonic() - stopped)))
    lab.ssh("host-2", "docker start consul-server > /dev/null")
    eventually(lambda: bool(lab.leader("host-2")), 30)
    eventually(lambda: truth(lab, "host-2", 2), 5)
    assert lab.ssh("host-2", "docker inspect -f '{{.State.StartedAt}}' registrator") == since


def test_a_wiped_agent_gets_all_services_back(lab: Lab, eventually: Eventually) -> None:
    """Five seconds after there is a leader again, with the data of the one before gone."""
    host = next(name for name, address in HOSTS.items() if lab.leader().startswith(f"{address}:"))
    start(lab, host, "burst-a", "burst-b")
    eventually(lambda: truth(lab, host, 2), 5)
    wipe = "rm -rf /var/lib/docker/volumes/consul-data/_data/*"
    agent = "docker {} consul-server > /dev/null"
    lab.ssh(host, "; ".join([agent.format("stop"), wipe, agent.format("start")]))
    eventually(lambda: bool(lab.leader(host)), 60)
    eventually(lambda: truth(lab, host, 2), 5)
    eventually(lambda: _catalog(lab) == published(lab, host), 5)


def test_another_host_name_makes_no_duplicates(lab: Lab, eventually: Eventually) -> None:
    """The daemon's host name is the owner's name; services move to the new one."""
    limited = ("--limit", "host-3")
    recap = lab.play(
        "playbooks/deploy/registrator.yml", *limited, "-e", "registrator_hostname=renamed-3"
    )
    assert not recap.failed, recap.output
    eventually(lambda: _owners(lab, "host-3") == {"renamed-3"}, 5)
    assert len(lab.passing()) == 3
    lab.play("playbooks/deploy/registrator.yml", *limited)
    eventually(lambda: _owners(lab, "host-3") == {"registrator-3"}, 5)


def test_a_registrator_with_a_status_port_registers_itself(
    lab: Lab, eventually: Eventually
) -> None:
    """Its own check passes; without a status port it is no service any more."""
    deploy = ("playbooks/deploy/registrator.yml", "--limit", "host-2")
    recap = lab.play(*deploy, "-e", "registrator_http=:8405")
    assert not recap.failed, recap.output
    try:
        eventually(lambda: _registrators(lab) == {(HOSTS["host-2"], 8405)}, 30)
    finally:
        lab.play(*deploy)
    eventually(lambda: lab.consul("/v1/catalog/service/registrator") == [], 15)


def test_upstreams_registrations_are_adopted_without_a_gap(
    lab: Lab, eventually: Eventually
) -> None:
    """Swapping the daemons deregisters nothing: the catalog's entry is the one upstream made."""
    lab.ssh("host-2", "docker stop registrator > /dev/null")
    identifier = "registrator-2:helloworld-1:80"
    ours = lab.consul(f"/v1/agent/service/{identifier}", "host-2")
    lab.put(f"/v1/agent/service/deregister/{identifier}", host="host-2")
    upstream = {
        "ID": identifier,
        "Name": ours["Service"],
        "Address": ours["Address"],
        "Port": ours["Port"],
        "Tags": ours["Tags"],
    }
    lab.put("/v1/agent/service/register", upstream, "host-2")
    made = _created(lab, identifier)
    lab.ssh("host-2", "docker start registrator > /dev/null")
    eventually(lambda: _owners(lab, "host-2") == {"registrator-2"}, 5)
    assert _created(lab, identifier) == made


def _registrators(lab: Lab) -> set[tuple[str, int]]:
    """Address and port of each Registrator that passes its check."""
    found = lab.consul("/v1/health/service/registrator?passing")
    return {(entry["Service"]["Address"], entry["Service"]["Port"]) for entry in found}


def _catalog(lab: Lab) -> dict[str, int]:
    """Container name and port of each service of the burst, as another host's agent finds it."""
    found = lab.consul(f"/v1/catalog/service/{SERVICE}", "host-1")
    return {entry["ServiceID"].split(":")[1]: entry["ServicePort"] for entry in found}


def _owners(lab: Lab, host: str) -> set[str]:
    """Whose mark the web service's instances carry at a host's agent."""
    found = lab.consul("/v1/agent/services", host).values()
    mine = (entry for entry in found if entry["Service"] == "my-web-server")
    return {(entry["Meta"] or {}).get("registrator-owner", "") for entry in mine}


def _created(lab: Lab, identifier: str) -> int:
    """The Raft index at which the catalog's entry was made: a gap would give it another."""
    found = lab.consul("/v1/catalog/service/my-web-server")
    return next(int(entry["CreateIndex"]) for entry in found if entry["ServiceID"] == identifier)
