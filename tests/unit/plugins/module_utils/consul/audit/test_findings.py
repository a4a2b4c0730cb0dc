"""What a host runs against what Consul says: each finding, and what repair may touch."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.findings import (
    audit,
    persistent,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.model import (
    AuditData,
    Entry,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.plan import (
    plan_repair,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.audit.report import (
    counts,
    table,
)
from audit_data import ADDRESS, DEAD, HERE, IP, OTHER, entry, finding, seen, service
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=200, deadline=None, database=None)


def found(look: AuditData) -> list[tuple[str, str, str]]:
    """Kind, identifier and node of each finding."""
    return [(each.kind, each.service_id, each.node) for each in audit(look)]


def removed(look: AuditData) -> list[tuple[str, str]]:
    """Node and identifier of all that repair would deregister."""
    return [each.key for each in plan_repair(audit(look)).removals]


# What is right


def test_what_is_registered_as_it_runs_is_clean() -> None:
    """The container, the agent and the catalog say the same."""
    assert audit(seen(service(), agent=[entry()])) == ()


def test_an_upstream_registrators_service_needs_no_mark() -> None:
    """Upstream leaves no metadata: its identifier tells."""
    assert audit(seen(service(), agent=[entry(owner="", short_id="")])) == ()


def test_two_instances_on_one_host_are_no_duplicates() -> None:
    """The same name and address with two ports are two."""
    look = seen(
        service("a"),
        service("b", port=32769),
        agent=[entry("a"), entry("b", port=32769)],
    )
    assert audit(look) == ()


def test_the_same_name_on_another_host_is_another_instance() -> None:
    """Every host's helloworld-1 is its own."""
    other = entry(id="reg-2:web:80", address=ADDRESS[OTHER], node=OTHER, owner="reg-2")
    assert audit(seen(service(), agent=[entry()], elsewhere=[other])) == ()


def test_a_host_with_the_same_registrator_name_keeps_its_own() -> None:
    """A second Registrator of this name stands at its own address: its service is no duplicate."""
    other = entry(address=ADDRESS[OTHER], node=OTHER, short_id="far")
    assert audit(seen(service(), agent=[entry()], elsewhere=[other])) == ()


def test_another_registrator_may_share_the_agent() -> None:
    """Its services are for its own host's audit, whether their containers run or not."""
    other = entry(id="reg-2:web:80", address=ADDRESS[OTHER], owner="reg-2", short_id="far")
    assert audit(seen(service(), agent=[entry(), other])) == ()


def test_no_address_is_wrong_where_none_is_expected() -> None:
    """Without an ip the address is whatever Registrator chose."""
    assert audit(seen(service(addresses=()), agent=[entry(address="10.9.9.9")], ip="")) == ()


def test_a_service_under_an_earlier_hostname_is_no_ghost() -> None:
    """It sends clients to the container that runs, whoever registered it."""
    assert audit(seen(service(), agent=[entry(id="old:web:80", owner="old")])) == ()


# Ghosts


def test_a_service_without_its_container_is_a_ghost() -> None:
    """Its container is gone, and repair deregisters it at this agent."""
    look = seen(agent=[entry()])
    assert found(look) == [("ghost", "reg-1:web:80", HERE)]
    assert removed(look) == [(HERE, "reg-1:web:80")]


def test_a_ghost_at_another_agent_is_removed_there_when_it_has_this_hosts_address() -> None:
    """Registrator spoke to another agent once, and left it behind."""
    look = seen(elsewhere=[entry(node=OTHER)])
    assert removed(look) == [(OTHER, "reg-1:web:80")]


@pytest.mark.parametrize("ip", ["", "10.0.0.9"])
def test_a_ghost_at_another_agent_is_only_told_where_it_may_be_anothers(ip: str) -> None:
    """Two hosts may run Registrators of one name by mistake."""
    look = seen(elsewhere=[entry(node=OTHER)], ip=ip)
    assert found(look) == [("ghost", "reg-1:web:80", OTHER)]
    assert removed(look) == []


def test_a_ghost_of_an_earlier_hostname_is_told_and_left() -> None:
    """It has this host's address and no container; whose it is cannot be known."""
    look = seen(agent=[entry(id="old:web:80", owner="old", short_id="gone")])
    assert found(look) == [("ghost", "old:web:80", HERE)]
    assert removed(look) == []
    assert (
        audit(look)[0].detail
        == "its container is not running; not registered by this Registrator: repair leaves it"
    )


def test_what_the_catalog_alone_has_at_this_node_is_a_ghost() -> None:
    """The agent does not know it, so it will never deregister it."""
    look = seen(elsewhere=[entry()])
    assert found(look) == [("ghost", "reg-1:web:80", HERE)]
    assert "the agent does not have it" in audit(look)[0].detail


def test_a_port_that_a_running_container_does_not_ask_for_is_a_ghost() -> None:
    """The container runs, the service is not one of its."""
    look = seen(service(), agent=[entry(), entry(id="reg-1:web:81", port=32769)])
    assert found(look) == [("ghost", "reg-1:web:81", HERE)]
    assert "does not request this service" in audit(look)[0].detail


# Missing


def test_a_container_that_is_not_registered_is_missing() -> None:
    """There is nothing to deregister: Registrator has to add it."""
    look = seen(service())
    assert found(look) == [("missing", "reg-1:web:80", HERE)]
    assert plan_repair(audit(look)).left == audit(look)


def test_what_the_agent_has_and_the_catalog_has_not_is_missing() -> None:
    """Clients ask the catalog."""
    look = seen(service(), agent=[entry()], catalog=())
    assert found(look) == [("missing", "reg-1:web:80", HERE)]
    assert "the catalog does not" in audit(look)[0].detail


def test_a_lost_agent_is_one_finding_for_each_container() -> None:
    """The agent's data are gone and the catalog still has the service: missing, and no ghost."""
    look = seen(service(), elsewhere=[entry()])
    assert found(look) == [("missing", "reg-1:web:80", HERE)]
    assert removed(look) == []


def test_the_wrong_agent_is_named() -> None:
    """All is registered at another agent: that is where Registrator sends it."""
    look = seen(service(), elsewhere=[entry(node=OTHER)])
    assert found(look) == [("missing", "reg-1:web:80", HERE)]
    assert OTHER in audit(look)[0].detail
    assert removed(look) == []


def test_of_two_containers_with_one_identifier_the_loser_is_missing() -> None:
    """The mark tells which one is registered, and the finding who holds the identifier."""
    look = seen(
        service("a", id="same"),
        service("b", id="same", port=32769),
        agent=[entry("b", id="same", port=32769)],
    )
    (finding,) = audit(look)
    assert (finding.kind, finding.container) == ("missing", "a")
    assert finding.detail == "container b has the same identifier"


# Duplicates


def test_the_same_instance_under_another_identifier_is_a_duplicate() -> None:
    """The one with the identifier that the container asks for stays."""
    look = seen(service(), agent=[entry(), entry(id="old:web:80", owner="old")])
    assert found(look) == [("duplicate", "old:web:80", HERE)]
    assert removed(look) == [(HERE, "old:web:80")]


def test_the_same_instance_at_another_agent_is_a_duplicate() -> None:
    """It is deregistered at the agent that holds it, for that puts it back into the catalog."""
    look = seen(service(), agent=[entry()], elsewhere=[entry(node=OTHER)])
    assert found(look) == [("duplicate", "reg-1:web:80", OTHER)]
    assert removed(look) == [(OTHER, "reg-1:web:80")]


def test_an_older_port_of_ours_at_another_agent_is_a_duplicate() -> None:
    """The same identifier at this host's address: the container had another port then."""
    look = seen(service(), agent=[entry()], elsewhere=[entry(node=OTHER, port=1)])
    assert found(look) == [("duplicate", "reg-1:web:80", OTHER)]
    assert removed(look) == [(OTHER, "reg-1:web:80")]


def test_somebody_elses_duplicate_is_told_and_left() -> None:
    """A service that a person registered is theirs."""
    hand = entry(id="by-hand", owner="", short_id="", node=OTHER)
    look = seen(service(), agent=[entry()], elsewhere=[hand])
    assert found(look) == [("duplicate", "by-hand", OTHER)]
    assert removed(look) == []


def test_a_loopback_address_is_another_one_on_each_host() -> None:
    """Two hosts may both have a service at 127.0.0.1."""
    look = seen(
        service(addresses=()),
        agent=[entry(address="127.0.0.1")],
        elsewhere=[entry(id="theirs", owner="", short_id="", address="127.0.0.1", node=OTHER)],
    )
    assert audit(look) == ()


# Wrong places


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("wrong_address", {"address": "10.9.9.9"}), ("wrong_port", {"port": 1})],
)
def test_a_wrong_place_is_deregistered_so_that_it_is_registered_anew(
    kind: str, wrong: dict[str, t.Any]
) -> None:
    """Registrator's resync adds it as it is; the finding says so."""
    look = seen(service(), agent=[entry(**wrong)])
    assert found(look) == [(kind, "reg-1:web:80", HERE)]
    assert removed(look) == [(HERE, "reg-1:web:80")]
    assert audit(look)[0].detail.endswith("the resync of Registrator registers it again")


def test_two_faults_of_one_service_are_repaired_once() -> None:
    """Address and port are two findings, and one request."""
    look = seen(service(), agent=[entry(address="10.9.9.9", port=1)])
    assert [kind for kind, *_rest in found(look)] == ["wrong_address", "wrong_port"]
    assert removed(look) == [(HERE, "reg-1:web:80")]


def test_a_wrong_place_in_the_catalog_is_mended_at_the_agent() -> None:
    """The agent is right; registered anew there, it overwrites the catalog's entry."""
    look = seen(service(), agent=[entry()], catalog=(entry(port=1),))
    assert found(look) == [("wrong_port", "reg-1:web:80", HERE)]
    assert audit(look)[0].detail.startswith("in the catalog should be 32768")
    assert plan_repair(audit(look)).removals == (entry(),)


def test_somebody_elses_service_under_our_identifier_is_left() -> None:
    """It has the identifier that a container names, and no mark."""
    look = seen(
        service(id="shop"), agent=[entry(id="shop", owner="", short_id="", address="10.9.9.9")]
    )
    assert found(look) == [("wrong_address", "shop", HERE)]
    assert removed(look) == []


# Dead nodes


@pytest.mark.parametrize("status", ["failed", "left"])
def test_what_passes_at_a_dead_node_is_stale(status: str) -> None:
    """Nobody checks it any more, and it keeps its last status."""
    left = entry(id="reg-3:web:80", address=ADDRESS[DEAD], node=DEAD, owner="reg-3")
    look = seen(elsewhere=[left], members={DEAD: status})
    assert found(look) == [("stale_node", "reg-3:web:80", DEAD)]
    assert removed(look) == [(DEAD, "reg-3:web:80")]


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("an agent that is alive", {"node": OTHER}),
        ("a node without an agent", {"node": "external", "node_address": "10.0.0.9"}),
        ("a service that fails", {"node": DEAD, "passing": False}),
        ("the servers' own service", {"node": DEAD, "id": "consul", "name": "consul"}),
    ],
)
def test_what_is_not_stale(what: str, changes: dict[str, t.Any]) -> None:
    """Only a member that failed or left makes its node's passing services stale."""
    usual = {"id": "reg-3:web:80", "address": "10.0.0.3", "owner": "reg-3"}
    node = changes.get("node", HERE)
    ADDRESS.setdefault(node, "10.0.0.9")
    assert audit(seen(elsewhere=[entry(**{**usual, **changes})])) == (), what


def test_a_persons_service_at_a_dead_node_is_told_and_left() -> None:
    """Whether it is wanted back, its owner knows."""
    look = seen(elsewhere=[entry(id="db", name="db", node=DEAD, owner="", short_id="")])
    assert found(look) == [("stale_node", "db", DEAD)]
    assert removed(look) == []


def test_what_passes_by_itself_does_not_stand() -> None:
    """A container that has just started is in the last look only."""
    old, new = finding(service_id="old"), finding(service_id="new")
    assert persistent([old, new], None) == (old, new)
    assert persistent([old, new], {old.key}) == (old,)


# Laws

containers = st.sampled_from(["a", "b", "c"])
ports = st.integers(32768, 32770)
addresses = st.sampled_from([*ADDRESS.values(), "127.0.0.1"])
ours = st.builds(
    entry,
    containers,
    address=addresses,
    port=ports,
    node=st.sampled_from([HERE, OTHER, DEAD]),
    short_id=st.sampled_from(["", "a-short", "b-short", "gone"]),
    passing=st.booleans(),
)
foreign = st.builds(
    entry,
    containers,
    id=st.sampled_from(["db", "shop", "by-hand"]),
    address=addresses,
    port=ports,
    node=st.sampled_from([HERE, OTHER, DEAD]),
    owner=st.just(""),
    short_id=st.just(""),
    passing=st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn, *entries: st.SearchStrategy[Entry]) -> AuditData:
    """Some containers, each with a port of its own, and whatever is registered where."""
    running = sorted(draw(st.sets(containers)))
    services = [service(name, port=32768 + number) for number, name in enumerate(running)]
    found_there = draw(st.lists(st.one_of(*entries), unique_by=lambda each: each.key))
    return seen(
        *services,
        agent=[each for each in found_there if each.node == HERE],
        elsewhere=[each for each in found_there if each.node != HERE],
    )


def repaired(look: AuditData) -> AuditData:
    """The world after a repair, and after Registrator's next resync.

    That adds what is missing. Only then a copy at another agent is surely one too many.
    """
    gone = {each.key for each in plan_repair(audit(look)).removals}
    agent = {each.id: each for each in look.agent if each.key not in gone}
    for each in look.expected:
        agent.setdefault(each.id, entry(each.container, port=each.port))
    elsewhere = [each for each in look.catalog if each.key not in gone and each.node != HERE]
    return dataclasses.replace(
        look, agent=tuple(agent.values()), catalog=(*agent.values(), *elsewhere)
    )


@LAW
@given(worlds(ours))
def test_a_repair_leaves_nothing_to_repair(look: AuditData) -> None:
    """Once nothing is missing one repair mends all that can be mended."""
    after = repaired(repaired(look))
    assert plan_repair(audit(after)).removals == ()


@LAW
@given(worlds(ours))
def test_what_is_missing_here_keeps_its_copies_elsewhere(look: AuditData) -> None:
    """Clients may live of them: Registrator may speak to another agent than the audit."""
    gone = {each.key for each in plan_repair(audit(look)).removals}
    here = {each.id for each in look.agent}
    absent = {each.id for each in look.expected} - here
    kept = [each for each in look.catalog if each.id in absent and each.node == OTHER]
    taken = {each.place for each in look.agent}
    assert all(each.key not in gone or each.place in taken for each in kept)


@LAW
@given(worlds(ours))
def test_a_repair_leaves_no_finding_of_ours_at_this_hosts_address(look: AuditData) -> None:
    """Only what may be another host's stays: at another agent, with another address."""
    left = audit(repaired(repaired(look)))
    assert all(each.node != HERE and each.address != IP for each in left)


@LAW
@given(worlds(ours, foreign))
def test_a_foreign_service_is_never_touched(look: AuditData) -> None:
    """Whatever is wrong with it, repair removes only what a Registrator has registered."""
    assert all(each.owner for each in plan_repair(audit(look)).removals)


@LAW
@given(worlds(ours, foreign))
def test_what_sends_clients_to_a_running_container_stays_once(look: AuditData) -> None:
    """A repair never removes the last right entry of a container at this agent."""
    gone = {each.key for each in plan_repair(audit(look)).removals}
    for each in look.expected:
        right = entry(each.container, port=each.port)
        held = [one for one in look.agent if (one.id, one.place) == (right.id, right.place)]
        copies = [one for one in look.catalog if one.key == right.key]
        if held and copies == held:
            assert right.key not in gone


@LAW
@given(worlds(ours, foreign))
def test_every_finding_has_a_known_kind_and_a_line(look: AuditData) -> None:
    """The counts add up, and so do the lines of the table."""
    findings = audit(look)
    assert sum(counts(findings).values()) == len(findings)
    assert len(table(findings)) == len(findings) + 1 or table(findings) == ["clean"]
