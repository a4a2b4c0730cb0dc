"""The audit on the three hosts: a clean lab, and each fault found, repaired and gone for good."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ..conftest import HOSTS, Eventually, Lab

HOST, OTHER, DEAD = "host-1", "host-2", "host-3"
MODULE = "rollcall.discovery.registrator_audit"
SERVICE = "my-web-server"


def withdraw(lab: Lab, host: str, identifier: str) -> None:
    """Deregister at an agent, if it is still there."""
    if identifier in lab.consul("/v1/agent/services", host):
        lab.put(f"/v1/agent/service/deregister/{identifier}", host=host)


def entry(lab: Lab) -> dict[str, Any]:
    """The web service of host-1 as its agent has it."""
    found = lab.consul("/v1/agent/services", HOST).values()
    return dict(next(each for each in found if each["Service"] == SERVICE))


def port(lab: Lab) -> int:
    """The port that host-1's agent has for it, 0 while it is not registered."""
    found = lab.consul("/v1/agent/services", HOST).values()
    return next((int(each["Port"]) for each in found if each["Service"] == SERVICE), 0)


def node_of(lab: Lab, host: str = HOST) -> str:
    """The name of a host's node."""
    return str(lab.consul("/v1/agent/self", host)["Config"]["NodeName"])


def payload(lab: Lab, **changes: Any) -> dict[str, Any]:
    """The same service as a registration of the same Registrator, with the differences given."""
    found = entry(lab)
    same = {key: found[key] for key in ("ID", "Address", "Port", "Tags", "Meta")}
    return {**same, "Name": found["Service"], **changes}


def audits(lab: Lab, folder: pathlib.Path, *arguments: str, **options: Any) -> dict[str, Any]:
    """One audit of host-1 that looks once, unless it is told to wait."""
    usual = {
        "hostname": "{{ registrator_hostname }}",
        "ip": "{{ registrator_ip }}",
        "wait_timeout": 0,
        "fail_on": [],
    }
    (result,) = lab.tasks(folder, [{MODULE: {**usual, **options}}], *arguments)
    assert not result.get("failed"), result.get("msg")
    return result


def kinds(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Kind, identifier and node of each finding."""
    return [(each["kind"], each["service_id"], each["node"]) for each in result["findings"]]


def everywhere(lab: Lab, identifier: str) -> set[str]:
    """The nodes at which the catalog has the web service's entry of this identifier."""
    found = lab.consul(f"/v1/health/service/{SERVICE}")
    return {each["Node"]["Node"] for each in found if each["Service"]["ID"] == identifier}


@pytest.fixture
def asleep(lab: Lab, eventually: Eventually) -> Iterator[None]:
    """A Registrator that does not mend, or a fault would not outlive its resync."""
    eventually(lambda: port(lab) != 0, 30)
    lab.ssh(HOST, "docker pause registrator")
    try:
        yield
    finally:
        lab.ssh(HOST, "docker unpause registrator 2> /dev/null || true")
        eventually(lambda: (HOSTS[HOST], port(lab)) in lab.containers(), 30)


def test_a_clean_lab_is_clean(lab: Lab) -> None:
    """The gate passes on every host, and changes nothing."""
    recap = lab.play("playbooks/audit.yml")
    assert recap.failed == 0, recap.output
    assert recap.changed == dict.fromkeys(HOSTS, 0)


@pytest.mark.usefixtures("asleep")
def test_a_ghost_is_found_repaired_and_gone(lab: Lab, tmp_path: pathlib.Path) -> None:
    """The gate fails on it, check mode predicts the repair, and a second repair does nothing."""
    identifier = "registrator-1:audit-ghost:80"
    node = node_of(lab)
    registration = payload(lab, ID=identifier, Name="audit-ghost", Port=9, Meta={})
    lab.put("/v1/agent/service/register", registration, HOST)
    ghost = [("ghost", identifier, node)]
    try:
        (gate,) = lab.tasks(
            tmp_path,
            [
                {
                    MODULE: {
                        "hostname": "{{ registrator_hostname }}",
                        "ip": "{{ registrator_ip }}",
                        "wait_timeout": 2,
                    }
                }
            ],
        )
        predicted = audits(lab, tmp_path, "--check", "--diff", repair=True)
        still = audits(lab, tmp_path)
        repaired = audits(lab, tmp_path, "--diff", repair=True)
        again = audits(lab, tmp_path, repair=True)
    finally:
        withdraw(lab, HOST, identifier)
    assert (gate["failed"], gate["changed"], kinds(gate)) == (True, False, ghost)
    assert "1 ghost" in gate["msg"]
    assert identifier in gate["msg"]
    assert (predicted["changed"], predicted["repaired"]) == (True, [identifier])
    assert (still["changed"], kinds(still), still["clean"]) == (False, ghost, False)
    assert (repaired["changed"], repaired["repaired"]) == (True, [identifier])
    assert repaired["diff"] == predicted["diff"]
    assert (again["changed"], again["findings"], again["clean"]) == (False, [], True)


def test_a_duplicate_at_another_agent_is_removed_and_stays_away(
    lab: Lab, tmp_path: pathlib.Path
) -> None:
    """It is deregistered where it is: from the catalog alone that agent would bring it back."""
    own, other = node_of(lab), node_of(lab, OTHER)
    identifier = entry(lab)["ID"]
    lab.put("/v1/agent/service/register", payload(lab), OTHER)
    try:
        found = audits(lab, tmp_path, wait_timeout=2)
        repaired = audits(lab, tmp_path, repair=True, wait_timeout=2)
        # A deregistration in the catalog would last until the agent's next full sync; this one
        # asks for it at once.
        nudge = {"Name": "audit-nudge", "ID": "audit-nudge"}
        lab.put("/v1/agent/service/register", nudge, OTHER)
        lab.put("/v1/agent/service/deregister/audit-nudge", host=OTHER)
        time.sleep(3)
        assert identifier not in lab.consul("/v1/agent/services", OTHER)
        assert everywhere(lab, identifier) == {own}
    finally:
        withdraw(lab, OTHER, identifier)
    assert kinds(found) == [("duplicate", identifier, other)]
    assert (repaired["changed"], repaired["repaired"]) == (True, [identifier])
    assert repaired["clean"]


@pytest.mark.usefixtures("asleep")
def test_a_wrong_port_is_deregistered_and_registered_anew(
    lab: Lab, tmp_path: pathlib.Path, eventually: Eventually
) -> None:
    """The repair takes it away, Registrator's resync brings it back as it is."""
    right, identifier, node = entry(lab)["Port"], entry(lab)["ID"], node_of(lab)
    lab.put("/v1/agent/service/register", payload(lab, Port=9), HOST)
    found = audits(lab, tmp_path, wait_timeout=2)
    repaired = audits(lab, tmp_path, repair=True)
    assert kinds(found) == [("wrong_port", identifier, node)]
    assert "registers it again" in found["findings"][0]["detail"]
    assert repaired["repaired"] == [identifier]
    assert [each["kind"] for each in repaired["remaining"]] == ["missing"]
    lab.ssh(HOST, "docker unpause registrator")
    eventually(lambda: port(lab) == right, 30)
    assert audits(lab, tmp_path, wait_timeout=15)["clean"]


@pytest.mark.usefixtures("asleep")
def test_a_service_of_somebody_else_is_left_alone(lab: Lab, tmp_path: pathlib.Path) -> None:
    """A person's service at a container's place is told as a duplicate, and survives the repair."""
    found = payload(lab, ID="audit-by-hand", Meta={})
    lab.put("/v1/agent/service/register", found, HOST)
    try:
        repaired = audits(lab, tmp_path, repair=True, wait_timeout=2)
        assert "audit-by-hand" in lab.consul("/v1/agent/services", HOST)
    finally:
        withdraw(lab, HOST, "audit-by-hand")
    assert kinds(repaired) == [("duplicate", "audit-by-hand", node_of(lab))]
    assert (repaired["changed"], repaired["clean"]) == (False, False)


def entry_node(lab: Lab) -> str:
    """The name of host-1's node."""
    return str(lab.consul("/v1/agent/self", HOST)["Config"]["NodeName"])


def test_a_dead_nodes_services_are_found_repaired_and_back_with_it(
    lab: Lab, tmp_path: pathlib.Path, eventually: Eventually
) -> None:
    """Their checks pass for ever; deregistered, they return when the node's agent does."""
    dead = node_of(lab, DEAD)
    identifier = "registrator-3:helloworld-1:80"
    assert everywhere(lab, identifier) == {dead}
    lab.ssh(DEAD, "docker kill consul-server")
    try:
        eventually(lambda: dead in failed(lab), 40)
        found = audits(lab, tmp_path, wait_timeout=2)
        predicted = audits(lab, tmp_path, "--check", repair=True)
        still = everywhere(lab, identifier)
        repaired = audits(lab, tmp_path, repair=True, wait_timeout=2)
        gone = everywhere(lab, identifier)
    finally:
        lab.ssh(DEAD, "docker start consul-server")
        eventually(lambda: everywhere(lab, identifier) == {dead}, 60)
        eventually(lambda: len(lab.passing()) == 3, 30)
    assert ("stale_node", identifier, dead) in kinds(found)
    assert identifier in predicted["repaired"]
    assert identifier in repaired["repaired"]
    assert (still, repaired["clean"], gone) == ({dead}, True, set())


def failed(lab: Lab) -> set[str]:
    """The nodes that host-1's gossip calls failed."""
    return {each["Name"] for each in lab.consul("/v1/agent/members", HOST) if each["Status"] == 4}
