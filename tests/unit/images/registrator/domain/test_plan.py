"""Two sets of services become the fewest steps from one to the other."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    agent,
    container,
    only,
    ours,
    published,
    reported,
    service,
    upstreams,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.model import Registered, Service
from registrator.domain.plan import (
    CONTAINER,
    HASH,
    OWNER,
    Plan,
    container_of,
    is_ours,
    plan,
    registration,
    unambiguous,
)


def test_what_is_missing_is_registered() -> None:
    """A container that started gets its service."""
    assert plan([service()], {}, HOST) == Plan((registration(service(), HOST),), ())


def test_what_is_right_is_left_alone() -> None:
    """A service that is registered as it should be causes no request, so it wakes no watcher."""
    assert plan([service()], agent(ours(service())), HOST).empty


def test_the_token_itself_stands_nowhere() -> None:
    """The catalog is read by many: of a token only a digest goes into the service's digest."""
    with_token = registration(service(), HOST, "fingerprint").body
    plain = registration(service(), HOST).body
    assert "fingerprint" not in str(with_token)
    assert with_token["Meta"].pop(HASH) != plain["Meta"].pop(HASH)
    assert with_token == plain


@pytest.mark.parametrize(
    "change",
    [
        {"name": "shop"},
        {"address": "192.0.2.7"},
        {"port": 32769},
        {"tags": ("blue",)},
        {"meta": {"team": "a"}},
        {"check": {"TCP": "10.0.0.1:32768", "Interval": "10s"}},
        {"weights": {"Passing": 10, "Warning": 1}},
        {"enable_tag_override": True},
        {"container": "another"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_differs_is_registered_again(change: dict[str, Any]) -> None:
    """Every part of a service counts, the check too that the agent does not give back."""
    changed = dataclasses.replace(service(), **change)
    assert plan([changed], agent(ours(service())), HOST) == Plan((registration(changed, HOST),), ())


def test_the_order_of_tags_counts() -> None:
    """Readers may take the first tag for a meaning."""
    before, after = service(tags=("a", "b")), service(tags=("b", "a"))
    assert plan([after], agent(ours(before)), HOST).register == (registration(after, HOST),)


def test_what_somebody_changed_is_put_right() -> None:
    """A tag edited by hand in the agent does not stay."""
    edited = dataclasses.replace(ours(service()), tags=("by-hand",))
    assert plan([service()], agent(edited), HOST).register == (registration(service(), HOST),)


def test_what_others_may_tag_is_left_as_they_tagged_it() -> None:
    """With EnableTagOverride the catalog's tags are somebody else's."""
    due = service(tags=("a",), enable_tag_override=True)
    edited = dataclasses.replace(ours(due), tags=("by-hand",))
    assert plan([due], agent(edited), HOST).empty
    assert plan([dataclasses.replace(due, tags=("b",))], agent(edited), HOST).register


def test_what_is_gone_is_deregistered() -> None:
    """A container that exited loses its service."""
    assert plan([], agent(ours(service())), HOST) == Plan((), (service().id,))


def test_a_chosen_identifier_is_deregistered_too() -> None:
    """Our mark tells our services where the identifier does not (B6)."""
    assert plan([], agent(ours(service("shop-1"))), HOST).deregister == ("shop-1",)


def test_another_hosts_services_are_left_alone() -> None:
    """Two daemons can share an agent."""
    assert plan([], agent(ours(service(), owner="host-2")), HOST).empty


def test_another_mark_counts_more_than_our_identifier() -> None:
    """A service that looks like ours but bears another's mark is the other's."""
    assert not is_ours(ours(service(f"{HOST}:web:80"), owner="host-2"), HOST)


def test_hand_made_services_are_left_alone() -> None:
    """What an operator registered by hand is no ghost."""
    assert plan([], agent(upstreams(service("postgres")), upstreams(service("a:b"))), HOST).empty


def test_upstreams_service_is_adopted_as_it_stands() -> None:
    """Swapping the daemons writes nothing for what is right already."""
    assert plan([service()], agent(upstreams(service())), HOST).empty


def test_upstreams_order_of_tags_is_no_difference() -> None:
    """Upstream's master turns them round."""
    left, due = service(tags=("b", "a", "a")), service(tags=("a", "a", "b"))
    assert plan([due], agent(upstreams(left)), HOST).empty


@pytest.mark.parametrize(
    "change",
    [
        {"port": 1},
        {"address": "192.0.2.7"},
        {"name": "shop"},
        {"tags": ("a",)},
        {"meta": {"a": "b"}},
        {"check": {"TCP": "10.0.0.1:1"}},
        {"weights": {"Passing": 5, "Warning": 1}},
        {"enable_tag_override": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_upstreams_service_that_differs_is_registered_and_never_removed(
    change: dict[str, Any],
) -> None:
    """A check cannot be seen: a service that has one is registered once more."""
    due = service(**change)
    assert plan([due], agent(upstreams(service())), HOST) == Plan((registration(due, HOST),), ())


def test_a_chosen_identifier_that_upstream_left_gets_our_mark() -> None:
    """Without it nobody would know whose it is when its container ends (B6)."""
    due = service("shop-1")
    assert plan([due], agent(upstreams(due)), HOST) == Plan((registration(due, HOST),), ())


def test_a_host_that_was_renamed_has_no_duplicates() -> None:
    """What is marked with a container that runs here is ours, whoever wrote it (B4)."""
    before = ours(service("c0ffee:web:80", container="abc"), owner="c0ffee")
    due = service(container="abc")
    steps = plan([due], agent(before), HOST, running={"abc"})
    assert steps == Plan((registration(due, HOST),), ("c0ffee:web:80",))
    assert plan([due], agent(before), HOST, running={"def"}).deregister == ()


def test_upstreams_ghost_is_removed() -> None:
    """Swapping the daemons cleans up what the old one left behind."""
    assert plan([], agent(upstreams(service())), HOST).deregister == (service().id,)


@pytest.mark.parametrize(
    ("identifier", "adopted"),
    [
        ("host-1:web:80", True),
        ("host-1:web:80:udp", True),
        ("host-1:w:80", True),
        ("host-1:shop_web.1-a:80", True),
        ("host-2:web:80", False),
        ("host-11:web:80", False),
        ("host-1:web", False),
        ("host-1:web:http", False),
        ("host-1:web:80:tcp", False),
        ("host-1::80", False),
        ("host-1:-web:80", False),
        ("host-1:web:80 ", False),
        ("x host-1:web:80", False),
    ],
)
def test_upstreams_identifiers_are_known(identifier: str, adopted: bool) -> None:
    """Host, container and port, and the host is this one: only that is adopted."""
    assert is_ours(upstreams(service(identifier)), HOST) is adopted


_HOSTS = st.text("ab1.-", min_size=1, max_size=8)
_NAMES = st.text("aB1_.-", max_size=8).map("c{}".format)
_PORTS = st.integers(1, 65535)
_PROTOCOLS = st.sampled_from(["tcp", "udp"])


@given(_HOSTS, _NAMES, _PORTS, _PROTOCOLS)
def test_what_we_would_name_we_would_adopt(
    host: str, name: str, number: int, protocol: str
) -> None:
    """Each identifier that a container gets on this host is one that is adopted on it."""
    entry = container(name, published(number, protocol=protocol))
    assert is_ours(upstreams(only(entry, hostname=host)), host)


@given(_HOSTS, _HOSTS, _NAMES, _PORTS)
def test_no_host_adopts_anothers(here: str, there: str, name: str, number: int) -> None:
    """An upstream service belongs to exactly one host."""
    entry = upstreams(only(container(name, published(number)), hostname=there))
    assert is_ours(entry, here) is (here == there)


# What is sent.


def test_a_body_has_consuls_keys() -> None:
    """The body of a registration is the service in Consul's words."""
    check = {"TCP": "10.0.0.1:32768", "Interval": "10s"}
    body = registration(service(tags=("blue",), meta={"team": "a"}, check=check), HOST).body
    assert {key: body[key] for key in ("ID", "Name", "Address", "Port", "Tags", "Check")} == {
        "ID": "host-1:web:80",
        "Name": "web",
        "Address": "10.0.0.1",
        "Port": 32768,
        "Tags": ["blue"],
        "Check": check,
    }
    assert body["Meta"]["team"] == "a"


def test_a_service_without_a_check_sends_none() -> None:
    """Consul refuses an empty check."""
    assert "Check" not in registration(service(), HOST).body


def test_a_body_bears_our_mark() -> None:
    """The owner is written into the metadata, beside a digest."""
    meta = registration(service(), HOST).body["Meta"]
    assert meta[OWNER] == HOST
    assert len(meta[HASH]) == 16


def test_the_digest_of_a_registration_is_in_its_mark() -> None:
    """A body that was refused is known again by it."""
    entry = registration(service(), HOST, "fingerprint")
    assert entry.body["Meta"][HASH] == entry.digest


def test_a_container_cannot_forge_the_mark() -> None:
    """A label of a mark's name does not make a service another's, or another container's."""
    forged = service(meta={OWNER: "host-2", HASH: "0", CONTAINER: "x"})
    meta = registration(forged, HOST).body["Meta"]
    assert meta[OWNER] == HOST
    assert meta[HASH] != "0"
    assert CONTAINER not in meta


def test_a_body_has_what_is_more_than_a_service() -> None:
    """Weights and the override are sent where they are asked for; the health never is."""
    full = service(weights={"Passing": 2}, enable_tag_override=True, health="x")
    body = registration(full, HOST).body
    assert (body["Weights"], body["EnableTagOverride"]) == ({"Passing": 2}, True)
    plain = registration(service(), HOST).body
    assert plain.keys() == {"ID", "Name", "Address", "Port", "Tags", "Meta"}


# Whose an identifier is.


def test_who_stands_keeps_the_identifier() -> None:
    """Two containers that want one identifier do not take turns."""
    one, two = (service("shop", container=name) for name in ("aaa", "bbb"))
    for stands, other in ((one, two), (two, one)):
        assert unambiguous([one, two], agent(ours(stands))) == ([stands], [other])
        assert unambiguous([two, one], agent(ours(stands))) == ([stands], [other])


def test_who_comes_first_gets_an_identifier_that_nobody_has() -> None:
    """The answer does not depend on the engine's order."""
    one, two, three = (service("shop", container=name) for name in ("aaa", "bbb", "ccc"))
    assert unambiguous([three, two, one], {}) == ([one], [two, three])


def test_two_ports_of_one_container_want_one_identifier() -> None:
    """The first port gets it, whatever stands."""
    one, two = service("shop", container="aaa"), service("shop", container="aaa", port=9)
    assert unambiguous([one, two], agent(ours(two))) == ([one], [two])


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        (ours(service(container="abc")), "abc"),
        (ours(service("shop-1", container="abc")), "abc"),
        (upstreams(service("host-1:web:80")), "web"),
        (upstreams(service("host-1:we.b:80:udp")), "we.b"),
        (upstreams(service("shop-1")), ""),
    ],
)
def test_a_services_container_is_known(entry: Registered, known: str) -> None:
    """By our mark, else by the name in upstream's identifier."""
    assert container_of(entry) == known


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    """Labels in another order are the same service."""
    one, other = service(meta={"a": "1", "b": "2"}), service(meta={"b": "2", "a": "1"})
    assert registration(one, HOST).body["Meta"] == registration(other, HOST).body["Meta"]


# Convergence.

_IDS = st.sampled_from([f"{host}:{name}:80" for host in (HOST, "host-2") for name in "abc"])
_SERVICES = st.builds(
    service,
    _IDS,
    port=st.sampled_from([1, 2]),
    tags=st.sampled_from([(), ("a", "b"), ("b", "a")]),
    meta=st.sampled_from([{}, {"team": "a"}]),
    check=st.sampled_from([None, {"TTL": "10s"}, {"TTL": "30s"}]),
    container=st.sampled_from(["", "aaa", "bbb"]),
)
_HERE = st.sets(st.sampled_from(["aaa", "bbb"]))
_LEFT_BY = st.sampled_from([ours, upstreams, lambda entry: ours(entry, owner="host-2")])
_REGISTERED = st.lists(
    st.builds(lambda left_by, entry: left_by(entry), _LEFT_BY, _SERVICES), max_size=4
).map(lambda entries: agent(*entries))


def _applied(steps: Plan, registered: dict[str, Registered]) -> dict[str, Registered]:
    """The agent's services after a plan."""
    after = {**registered, **agent(*(reported(entry.body) for entry in steps.register))}
    return {key: entry for key, entry in after.items() if key not in steps.deregister}


@given(st.lists(_SERVICES, max_size=4), _REGISTERED, _HERE)
def test_a_plan_is_done_when_it_is_applied(
    desired: list[Service], registered: dict[str, Registered], here: set[str]
) -> None:
    """Planning again after a plan was applied yields nothing."""
    after = _applied(plan(desired, registered, HOST, here), registered)
    assert plan(desired, after, HOST, here).empty


@given(st.lists(_SERVICES, max_size=4), _REGISTERED, _HERE)
def test_a_plan_reaches_what_is_desired(
    desired: list[Service], registered: dict[str, Registered], here: set[str]
) -> None:
    """After a plan every desired service stands as it should, and nothing else is ours."""
    after = _applied(plan(desired, registered, HOST, here), registered)
    wanted = {entry.id: entry for entry in desired}
    for key, entry in wanted.items():
        seen = after[key]
        assert (seen.name, seen.address, seen.port) == (entry.name, entry.address, entry.port)
        assert sorted(seen.tags) == sorted(entry.tags)
    assert {key for key, entry in after.items() if is_ours(entry, HOST, here)} == set(wanted)


@given(st.lists(_SERVICES, max_size=4), _REGISTERED, _HERE)
def test_a_plan_touches_nobody_elses(
    desired: list[Service], registered: dict[str, Registered], here: set[str]
) -> None:
    """What is not ours and not desired is afterwards as it was before."""
    after = _applied(plan(desired, registered, HOST, here), registered)
    wanted = {entry.id for entry in desired}
    for key, entry in registered.items():
        if key not in wanted and not is_ours(entry, HOST, here):
            assert after[key] == entry


@given(st.lists(_SERVICES, max_size=4), st.randoms(use_true_random=False))
def test_a_swap_removes_nothing_that_runs(desired: list[Service], chance: random.Random) -> None:
    """Whatever upstream left for these containers is adopted: no deregistration, no flap."""
    wanted = {entry.id: entry for entry in desired}
    left = []
    for entry in wanted.values():
        tags = list(entry.tags)
        chance.shuffle(tags)
        left.append(upstreams(dataclasses.replace(entry, tags=tuple(tags))))
    steps = plan(wanted.values(), agent(*left), HOST)
    assert steps.deregister == ()
    unknown = {key for key, entry in wanted.items() if entry.check or not key.startswith(HOST)}
    assert {entry.service.id for entry in steps.register} == unknown


@given(st.lists(_SERVICES, max_size=6), _REGISTERED)
def test_every_identifier_has_one_owner(
    desired: list[Service], registered: dict[str, Registered]
) -> None:
    """Nobody is lost among rivals: who does not win is told of."""
    winners, losers = unambiguous(desired, registered)
    assert len(winners) + len(losers) == len(desired)
    assert {entry.id for entry in winners} == {entry.id for entry in desired}
    assert len({entry.id for entry in winners}) == len(winners)


@given(st.lists(_SERVICES, max_size=4), _REGISTERED, _HERE)
def test_a_plan_takes_nothing_away_that_it_gives(
    desired: list[Service], registered: dict[str, Registered], here: set[str]
) -> None:
    """Nothing is registered twice, and nothing is registered and deregistered."""
    steps = plan(desired, registered, HOST, here)
    given_ids = [entry.service.id for entry in steps.register]
    assert len(given_ids) == len(set(given_ids))
    assert not set(given_ids) & set(steps.deregister)
