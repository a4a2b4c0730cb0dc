"""A service with its checks: what is refused, what differs, what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service import (
    Actual,
    ServiceError,
    failing,
    plan_absent,
    plan_present,
)
from builders import service, stored
from hypothesis import given
from hypothesis import strategies as st

HTTP = {"http": "http://127.0.0.1/", "interval": "1s"}


def test_an_unknown_service_is_registered() -> None:
    """Nothing there, one wanted."""
    plan = plan_present(service(), Actual(), maintenance=False)
    assert (plan.register, plan.diff.changed) == (service(), True)


def test_a_service_as_wanted_is_left_alone() -> None:
    """Read back, it is the same: nothing is sent."""
    wanted = service(tags=["a"], meta={"k": "v"}, checks=[HTTP])
    plan = plan_present(wanted, Actual(stored(wanted)), maintenance=False)
    assert (plan.register, plan.maintenance, plan.diff.changed) == (None, None, False)


@pytest.mark.parametrize(
    "change",
    [
        {"address": "10.0.0.9"},
        {"port": 81},
        {"tags": ["b", "a"]},
        {"meta": {"k": "w"}},
        {"weights": {"passing": 10, "warning": 1}},
        {"tagged_addresses": {"wan": {"address": "203.0.113.1", "port": 80}}},
        {"checks": [{**HTTP, "interval": "2s"}]},
        {"checks": []},
    ],
)
def test_any_difference_registers_anew(change: dict[str, Any]) -> None:
    """Even one that the agent does not show: the digest of the checks tells."""
    before = {"address": "10.0.0.1", "port": 80, "tags": ["a", "b"], "meta": {"k": "v"}}
    was = service(**before, checks=[HTTP])
    wanted = service(**{**before, "checks": [HTTP], **change})
    assert plan_present(wanted, Actual(stored(was)), maintenance=False).register == wanted


def test_tags_that_others_may_change_are_left() -> None:
    """With enable_tag_override the catalog's tags win."""
    wanted = service(tags=["mine"], enable_tag_override=True)
    there = stored(service(tags=["theirs"], enable_tag_override=True))
    assert not plan_present(wanted, Actual(there), maintenance=False).diff.changed


def test_the_addresses_that_the_agent_derives_are_no_difference() -> None:
    """lan_ipv4 and its kin appear by themselves."""
    wanted = service(address="10.0.0.1", port=80)
    body = wanted.payload()
    lan = {"lan_ipv4": {"Address": "10.0.0.1", "Port": 80}}
    there = type(wanted).from_api({**body, "Service": "web", "TaggedAddresses": lan})
    assert not plan_present(wanted, Actual(there), maintenance=False).diff.changed


@pytest.mark.parametrize("now", [True, False])
def test_maintenance_is_changed_only_when_it_differs(now: bool) -> None:
    """Entering twice is entering once."""
    actual = Actual(stored(service()), maintenance=now)
    assert plan_present(service(), actual, maintenance=True).maintenance is (None if now else True)


def test_what_is_not_there_needs_no_deregistration() -> None:
    """absent on absent is no change."""
    assert not plan_absent("web", Actual()).diff.changed
    assert plan_absent("web", Actual(stored(service()))).deregister == "web"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "web\nevil"}, "name of service .* control character"),
        ({"tags": ["a\nb"]}, "tag .* control character"),
        ({"port": 70000}, "port 70000"),
        ({"meta": {"a b": "c"}}, "meta 'a b'"),
        ({"meta": {"a": "x" * 513}}, "up to 512 bytes"),
        ({"meta": {f"k{n}": "v" for n in range(64)}}, "more than 63 meta pairs"),
        ({"checks": [{"interval": "1s"}]}, "exactly one of"),
        ({"checks": [{**HTTP, "tcp": "a:1"}]}, "this one has http, tcp"),
        ({"checks": [{"http": "http://a/"}]}, "needs an interval"),
        ({"checks": [{**HTTP, "timeout": "5"}]}, "timeout '5' is not a duration"),
    ],
)
def test_what_consul_or_its_readers_could_not_bear_is_refused(
    options: dict[str, Any], message: str
) -> None:
    """Before anything is sent, with the part that is wrong."""
    with pytest.raises(ServiceError, match=message):
        service(**options)


def test_a_check_that_does_not_pass_is_told_with_its_output() -> None:
    """The phrase is what a person needs to go on."""
    checks = [
        {"Name": "up", "CheckID": "1", "Status": "passing", "Output": "fine"},
        {"Name": "deaf", "CheckID": "2", "Status": "critical", "Output": "refused\n"},
        {"Name": "", "CheckID": "3", "Status": "warning", "Output": ""},
    ]
    assert failing(checks) == ["deaf is critical: refused", "3 is warning: no output yet"]


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
SERVICES = st.builds(
    service,
    name=TEXT,
    address=st.sampled_from(["", "10.0.0.1", "::1"]),
    port=st.integers(0, 65535),
    tags=st.lists(TEXT, max_size=3),
    meta=st.dictionaries(st.from_regex(r"[a-z_-]{1,9}", fullmatch=True), TEXT, max_size=3),
    checks=st.lists(st.sampled_from([HTTP, {"ttl": "30s"}]), max_size=2),
)


@given(SERVICES, st.booleans())
def test_a_plan_that_was_applied_leaves_nothing_to_plan(wanted: Any, maintenance: bool) -> None:
    """Whatever the service, the second run changes nothing."""
    after = Actual(stored(wanted), maintenance)
    assert not plan_present(wanted, after, maintenance=maintenance).diff.changed
