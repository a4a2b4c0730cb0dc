"""Whom a fault hits: names, addresses, single instances."""

from __future__ import annotations

import pytest
from rollcall_drills.analysis.targets import Target, Topology, attempts, split, targets
from rollcall_drills.history.records import (
    Failure,
    Instance,
    Mark,
    MarkName,
    Member,
    MembersEvent,
    RaftEvent,
    Request,
)


def request(instance: str | None, backend: str | None, error: Failure | None = None) -> Request:
    """A request that this instance answered."""
    return Request(0, 0.0, 0.1, "GET", True, None if error else 200, error, instance, backend)


def hit(*hosts: str, addresses: tuple[str, ...] = (), topology: Topology | None = None) -> Target:
    """The one target of a mark."""
    mark = Mark(0.0, MarkName.FAULT, "", hosts, addresses)
    (target,) = targets(mark, topology or Topology({}, {}))
    return target


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("10.0.0.1", ("10.0.0.1", "")),
        ("10.0.0.1:80", ("10.0.0.1", "80")),
        ("[fd00::1]:80", ("fd00::1", "80")),
        ("[fd00::1]", ("fd00::1", "")),
        ("fd00::1", ("fd00::1", "")),
    ],
)
def test_addresses_are_split(address: str, parts: tuple[str, str]) -> None:
    """With and without a port, of both families."""
    assert split(address) == parts


def test_the_balancers_list_of_attempts_is_read() -> None:
    """Commas within a group of servers, a colon between blanks between groups."""
    tried = attempts(request("h", "10.0.0.1:80, 10.0.0.2:80 : [fd00::1]:80"))
    assert tried == ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]
    assert attempts(request("h", None)) == []


def test_a_host_answers_by_its_name() -> None:
    """Without any address the name in the answer is enough."""
    target = hit("host-2")
    assert target.answered(request("host-2", None))
    assert not target.answered(request("host-1", None))
    assert not target.answered(request("host-2", None, Failure.BAD_STATUS))


def test_an_attempt_is_no_answer() -> None:
    """The last address of the list answered, the others were tried in vain."""
    target = hit("host-2", addresses=("10.0.0.2",))
    tried = request("host-1", "10.0.0.2:80, 10.0.0.1:80")
    assert target.routed(tried)
    assert not target.answered(tried)


def test_a_failed_request_may_have_been_tried_there() -> None:
    """A 502 that names the host is use of the host."""
    target = hit("host-2", addresses=("10.0.0.2",))
    assert target.routed(request(None, "10.0.0.2:80", Failure.BAD_STATUS))


def test_addresses_are_learnt_from_answers_and_members() -> None:
    """Where a host's instances answer, and where its node is, belongs to it."""
    seen = MembersEvent(0.0, "a", (Member("host-3", "alive", "10.0.0.3"),))
    topology = Topology.learn([request("host-2", "10.0.0.9:80, 10.0.0.2:80")], [seen])
    assert hit("host-2", topology=topology).addresses == {"10.0.0.2"}
    assert hit("host-3", topology=topology).addresses == {"10.0.0.3"}


def test_a_node_may_bear_another_name_than_its_instances() -> None:
    """Both names lead to the address."""
    seen = MembersEvent(0.0, "a", (Member("node-2", "alive", "10.0.0.2"),))
    topology = Topology.learn([request("host-2", "10.0.0.2:80")], [seen])
    assert hit("host-2", topology=topology).addresses == {"10.0.0.2"}
    assert hit("node-2", topology=topology).addresses == {"10.0.0.2"}


def test_a_shared_address_tells_nothing_but_its_ports_do() -> None:
    """On one machine with many instances the single ones are told apart."""
    topology = Topology.learn(
        [request("host-1", "127.0.0.1:81"), request("host-2", "127.0.0.1:82")], []
    )
    target = hit("host-2", topology=topology)
    assert target.addresses == hit("host-1", topology=topology).addresses == frozenset()
    assert target.routed(request("host-1", "127.0.0.1:82, 127.0.0.1:81"))
    assert not target.routed(request("host-1", "127.0.0.1:81"))


def test_an_address_with_a_port_means_one_instance() -> None:
    """The host's other instances go on, and are not meant."""
    target = hit("host-2", addresses=("10.0.0.2:81",))
    assert target.routed(request("host-1", "10.0.0.2:81, 10.0.0.1:80"))
    assert target.answered(request("host-2", "10.0.0.2:81"))
    assert not target.routed(request("host-2", "10.0.0.2:82"))
    assert target.lists(Instance("a", "host-2", "10.0.0.2", 81))
    assert not target.lists(Instance("a", "host-2", "10.0.0.2", 82))
    assert not target.runs("http://10.0.0.2:8500", None)


def test_an_address_alone_is_a_target_too() -> None:
    """Without a host everything at the address is meant."""
    target = hit(addresses=("10.0.0.2",))
    assert target.name == "10.0.0.2"
    assert target.answered(request("whoever", "10.0.0.2:82"))


def test_several_hosts_are_several_targets() -> None:
    """A partition hits all of them, each at its own address."""
    mark = Mark(0.0, MarkName.FAULT, "", ("h1", "h2"), ("10.0.0.1", "10.0.0.2"))
    found = targets(mark, Topology({}, {}))
    assert [(target.name, *target.addresses) for target in found] == [
        ("h1", "10.0.0.1"),
        ("h2", "10.0.0.2"),
    ]


@pytest.mark.parametrize(
    ("instance", "listed"),
    [
        (Instance("a", "host-2", "10.9.9.9", 80), True),
        (Instance("a", "other", "10.0.0.2", 80), True),
        (Instance("a", "other", "10.0.0.3", 80), False),
    ],
)
def test_the_catalog_knows_a_host_by_node_or_address(instance: Instance, listed: bool) -> None:
    """Either is enough."""
    assert hit("host-2", addresses=("10.0.0.2",)).lists(instance) is listed


@pytest.mark.parametrize(
    ("agent", "raft", "own"),
    [
        ("http://10.0.0.2:8500", None, True),
        ("https://10.0.0.2:8501", None, True),
        ("http://10.0.0.3:8500", None, False),
        ("http://consul.example:8500", RaftEvent(0.0, "", node="host-2"), True),
        ("http://consul.example:8500", RaftEvent(0.0, "", address="10.0.0.2"), True),
        ("http://consul.example:8500", RaftEvent(0.0, "", node="host-1"), False),
    ],
)
def test_an_agent_on_the_host_is_known(agent: str, raft: RaftEvent | None, own: bool) -> None:
    """By its URL, or by what it says of itself."""
    assert hit("host-2", addresses=("10.0.0.2",)).runs(agent, raft) is own
