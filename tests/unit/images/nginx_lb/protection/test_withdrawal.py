"""Which instances get no requests although Consul did not remove them."""

from __future__ import annotations

import dataclasses

import pytest
from nginx_lb.model import Record
from nginx_lb.protection.withdrawal import Finding, Target, concluded, proven
from nginx_lb.settings.model import Verification

from ..builders import endpoint, instances, record

WHOAMI = Verification("/whoami", "web")


def target(number: int) -> Target:
    """An instance of web."""
    return Target("web", endpoint(number), WHOAMI)


def out(
    served: Record,
    found: dict[int, Finding],
    *,
    known: bool = True,
    max_drop: float = 0.5,
) -> set[int]:
    """The numbers of the instances that get no requests after these findings."""
    findings = {target(number): finding for number, finding in found.items()}
    known_as = {("web", WHOAMI)} if known else set()
    after = concluded({"web": served}, findings, known_as, max_drop)["web"]
    assert after.instances == served.instances
    return {int(each.address.rpartition(".")[2]) for each in after.withdrawn}


def withdrawn(served: Record, *numbers: int) -> Record:
    """The record, with these instances withdrawn before."""
    return dataclasses.replace(served, withdrawn=frozenset(endpoint(each) for each in numbers))


def test_what_refuses_gets_no_requests() -> None:
    """Its port may soon be another container's; the others go on."""
    assert out(record(1, 2, 3), {1: Finding.REFUSED, 2: Finding.UNKNOWN}) == {1}


def test_it_gets_none_when_something_listens_there_again() -> None:
    """Nobody knows what that is."""
    assert out(withdrawn(record(1, 2), 1), {1: Finding.UNKNOWN}) == {1}
    assert out(withdrawn(record(1, 2), 1), {}) == {1}


def test_it_comes_back_when_it_says_what_it_is() -> None:
    """Restarted at the same port."""
    assert out(withdrawn(record(1, 2), 1), {1: Finding.VERIFIED}) == set()


@pytest.mark.parametrize(
    ("count", "most"), [(1, 0), (2, 1), (3, 1), (4, 2)], ids=["one", "two", "three", "four"]
)
def test_a_firewall_takes_not_all_out(count: int, most: int) -> None:
    """As without a leader, a share stays in rotation, and the last one."""
    numbers = tuple(range(1, count + 1))
    assert len(out(record(*numbers), dict.fromkeys(numbers, Finding.REFUSED))) == most


def test_losses_add_up() -> None:
    """What Consul confirmed and does not report any more counts too."""
    served = dataclasses.replace(record(1, 2, 3, 4), instances=instances(1, 2))
    assert out(served, {1: Finding.REFUSED}) == set()


def test_another_service_gets_no_requests_whatever_is_left() -> None:
    """The last instance too: a cookie is not for everybody."""
    assert out(record(1, 2), {1: Finding.OTHER, 2: Finding.OTHER}) == {1, 2}


def test_a_text_that_nobody_has_answered_is_a_mistake() -> None:
    """In the settings, and costs nobody a request."""
    assert out(record(1, 2), {1: Finding.OTHER, 2: Finding.OTHER}, known=False) == set()


def test_one_answer_proves_the_text() -> None:
    """Of each service by itself, with just that path and text."""
    findings = {target(1): Finding.VERIFIED, target(2): Finding.OTHER}
    assert proven(findings) == {("web", WHOAMI)}


def test_other_services_stay_as_they_are() -> None:
    """What was found is about the service it was found for."""
    api = withdrawn(record(1), 1)
    after = concluded({"web": record(1), "api": api}, {target(1): Finding.UNKNOWN}, (), 0.5)
    assert after["api"] is api
