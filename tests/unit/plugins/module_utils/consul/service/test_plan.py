"""The plan for a service: what differs, what is sent, what is shown."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.catalog.instance import (
    AgentNode,
    CatalogInstance,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.check import (
    CheckStatus,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.model import (
    MAINTENANCE,
    Service,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.plan import (
    ActualService,
    ServicePlan,
    WantedService,
    plan_service,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.validation import (
    ServiceError,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import WEB, answer
from hypothesis import given
from hypothesis import strategies as st

HERE = AgentNode("here", "192.0.2.1", "dc1")


def wanted(**params: Any) -> WantedService:
    """What a call for the service web-1 asks for."""
    return WantedService.from_params({"name": "web", "id": "web-1", **params})


def ttl(name: str = "reports", **more: Any) -> dict[str, Any]:
    """A check that has the status somebody reports."""
    return {"name": name, "ttl": "30s", **more}


def tcp(name: str = "listens", **more: Any) -> dict[str, Any]:
    """A check that connects."""
    return {"name": name, "tcp": "127.0.0.1:80", "interval": "10s", **more}


def elsewhere(**more: Any) -> CatalogInstance:
    """A service web-1 of another node whose agent is alive."""
    fields = {
        "node": "there",
        "node_address": "192.0.2.2",
        "datacenter": "dc1",
        "id": "web-1",
        "name": "web",
        "address": "192.0.2.2",
        "port": 80,
        "alive": True,
    }
    return CatalogInstance(**{**fields, **more})


def after(plan: ServicePlan, actual: ActualService) -> ActualService:
    """A model of the agent: what it has once the plan is applied."""
    service, checks = actual.service, actual.checks
    if plan.deregister is not None:
        service, checks = None, ()
    if plan.register is not None:
        body = plan.register.payload(maintenance=plan.maintained, reason=plan.reason)
        checks = tuple(CheckStatus(c["CheckID"], c["Name"], "passing") for c in body["Checks"])
        own = [check.id for check in checks if not check.id.startswith(MAINTENANCE)]
        service = Service.from_api({**body, "Service": body["Name"]}, own)
    if plan.maintenance and service is not None:
        checks = (*checks, CheckStatus(MAINTENANCE + service.id, "m", "critical"))
    elif plan.maintenance is False:
        checks = tuple(check for check in checks if not check.id.startswith(MAINTENANCE))
    return dataclasses.replace(
        actual,
        service=service,
        checks=checks,
        owners={key: who for key, who in actual.owners.items() if key not in plan.purge},
        instances=tuple(each for each in actual.instances if each not in plan.duplicates),
    )


def having(*calls: WantedService) -> ActualService:
    """What the agent has after these calls."""
    actual = ActualService()
    for call in calls:
        actual = after(plan_service(call, actual), actual)
    return actual


def agents(identifier: str) -> ActualService:
    """What the recorded agent has under this identifier."""
    checks = [each for each in answer("agent-checks").values() if each["ServiceID"] == identifier]
    own = [each["CheckID"] for each in checks if each["Type"] != "maintenance"]
    return ActualService(
        Service.from_api(answer("agent-services")[identifier], own),
        tuple(CheckStatus.from_api(each) for each in checks),
    )


TEXT = st.text("abcXYZ019-_", min_size=1, max_size=8)


CALLS = st.builds(
    wanted,
    state=st.sampled_from(["present", "maintenance", "absent"]),
    address=st.sampled_from(["", "192.0.2.7", "web.example", "2001:db8::1"]),
    port=st.sampled_from([0, 80, 65535]),
    tags=st.lists(TEXT, max_size=3),
    meta=st.dictionaries(TEXT, TEXT | st.integers() | st.booleans(), max_size=3),
    tagged_addresses=st.dictionaries(
        st.sampled_from(["lan", "wan_ipv4", "lan_ipv4"]),
        st.sampled_from([{"address": "192.0.2.7"}, {"address": "w.example", "port": 1}]),
    ),
    weights=st.none() | st.just({"passing": 3, "warning": 0}),
    enable_tag_override=st.booleans(),
    checks=st.lists(st.builds(ttl, TEXT) | st.builds(tcp, TEXT), max_size=3, unique_by=str).filter(
        lambda checks: len({check["name"] for check in checks}) == len(checks)
    ),
    owner=st.sampled_from([None, "shop", "bank"]),
    deduplicate=st.sampled_from(["none", "report", "remove"]),
)


PURGES = st.builds(
    wanted, owner=st.just("shop"), purge=st.just(True), declared=st.lists(TEXT, max_size=2)
)


STATES = st.builds(
    lambda calls, owners, instances: dataclasses.replace(
        having(*calls), owners=owners, node=HERE, instances=tuple(instances)
    ),
    st.lists(CALLS, max_size=2),
    st.dictionaries(TEXT, st.sampled_from(["shop", "bank", ""]), max_size=3),
    st.lists(
        st.builds(
            elsewhere,
            node=st.sampled_from(["here", "there", "far"]),
            id=st.sampled_from(["web-1", "web-2"]),
            address=st.sampled_from(["192.0.2.7", "192.0.2.9"]),
        ),
        max_size=3,
    ),
)


@given(CALLS | PURGES, STATES)
def test_a_plan_that_was_applied_leaves_nothing_to_do(
    call: WantedService, actual: ActualService
) -> None:
    """Whatever is wanted and whatever is there, a second run is silent."""
    assert plan_service(call, after(plan_service(call, actual), actual)).empty


@given(CALLS | PURGES, STATES)
def test_the_diff_is_empty_exactly_when_the_plan_is(
    call: WantedService, actual: ActualService
) -> None:
    """`changed` and the requests come from the same comparison."""
    plan = plan_service(call, actual)
    assert plan.diff.changed is not plan.empty
    assert (plan.action == "unchanged") is plan.empty


@given(CALLS, STATES)
def test_the_prediction_is_what_comes(call: WantedService, actual: ActualService) -> None:
    """The plan's service, and the diff's after, are what a look afterwards finds."""
    plan = plan_service(call, actual)
    found = after(plan, actual).shown()
    assert plan.predicted == found
    shown = {k: v for k, v in plan.diff.after.items() if k != "duplicates"}
    assert shown == (found or {"state": "absent"})


@pytest.mark.parametrize(
    ("before", "call", "action"),
    [
        ([], wanted(), "registered"),
        ([wanted()], wanted(), "unchanged"),
        ([wanted()], wanted(tags=["a"]), "updated"),
        ([wanted(tags=["a", "b"])], wanted(tags=["b", "a"]), "updated"),
        ([wanted(checks=[ttl()])], wanted(checks=[ttl(ttl="31s")]), "updated"),
        ([wanted(checks=[ttl(), tcp()])], wanted(checks=[tcp(), ttl()]), "unchanged"),
        ([wanted(checks=[ttl()])], wanted(checks=[ttl(notes="", timeout=None)]), "unchanged"),
        ([wanted(checks=[ttl()])], wanted(), "updated"),
        ([wanted()], wanted(owner="shop"), "updated"),
        ([wanted()], wanted(state="maintenance"), "maintenance entered"),
        ([wanted(state="maintenance")], wanted(), "maintenance left"),
        ([wanted(state="maintenance")], wanted(state="maintenance", port=1), "updated"),
        ([wanted()], wanted(state="absent"), "deregistered"),
        ([], wanted(state="absent"), "unchanged"),
    ],
)
def test_the_action_names_what_differs(
    before: list[WantedService], call: WantedService, action: str
) -> None:
    """One word for each way from what is to what shall be."""
    assert action == plan_service(call, having(*before)).action


def test_what_consul_gives_back_needs_nothing() -> None:
    """A second run of the recorded call is silent, and any other is not."""
    assert plan_service(WantedService.from_params(WEB), agents("web-1")).empty
    for change in ({"port": 8081}, {"meta": {"version": 3}}, {"checks": WEB["checks"][:1]}):
        assert not plan_service(WantedService.from_params({**WEB, **change}), agents("web-1")).empty


def test_consuls_own_maintenance_is_left_by_a_present_service() -> None:
    """Whoever took it out of rotation, with Consul's command or with ours."""
    plan = plan_service(WantedService.from_params({"name": "bare"}), agents("bare"))
    assert (plan.action, plan.maintenance, plan.register) == ("maintenance left", False, None)


def test_a_service_without_maintenance_of_ours_is_kept_as_it_is() -> None:
    """Without a name, maintenance leaves the registration alone."""
    actual = having(wanted(tags=["a"], checks=[ttl()]))
    plan = plan_service(WantedService.from_params({"id": "web-1", "state": "maintenance"}), actual)
    assert (plan.register, plan.maintenance) == (None, True)


def test_a_maintenance_is_ended_without_the_definition() -> None:
    """Without a name, present ends what maintenance began and leaves the registration alone."""
    actual = having(wanted(tags=["a"], checks=[ttl()], state="maintenance"))
    plan = plan_service(WantedService.from_params({"id": "web-1"}), actual)
    assert (plan.register, plan.maintenance, plan.action) == (None, False, "maintenance left")


@pytest.mark.parametrize("state", ["maintenance", "present"])
def test_nothing_is_there_to_be_named(state: str) -> None:
    """A service that is not there needs its definition."""
    plan = plan_service(WantedService.from_params({"id": "web-1", "state": state}), ActualService())
    assert "service web-1 is not registered" in plan.problem


def test_maintenance_goes_along_with_the_registration() -> None:
    """Replacing all checks would end it, and a second request would come too late."""
    plan = plan_service(wanted(state="maintenance", maintenance_reason="kernel"), ActualService())
    assert plan.register is not None
    (check,) = plan.register.payload(maintenance=True, reason="kernel")["Checks"]
    assert (check["CheckID"], check["Notes"]) == ("_service_maintenance:web-1", "kernel")
    assert plan.maintenance is None


def test_a_check_that_vanished_is_put_back() -> None:
    """The agent's checks count, not our mark alone."""
    call = wanted(checks=[ttl()])
    actual = having(call)
    assert actual.service is not None
    bare = dataclasses.replace(actual.service, check_ids=())
    assert plan_service(call, dataclasses.replace(actual, service=bare, checks=())).register


def test_tags_of_others_stay_once_they_may_change_them() -> None:
    """enable_tag_override makes the catalog's tags the right ones."""
    call = wanted(tags=["ours"], enable_tag_override=True)
    actual = having(call)
    assert actual.service is not None
    theirs = dataclasses.replace(actual.service, tags=("theirs",))
    assert plan_service(call, dataclasses.replace(actual, service=theirs)).empty


def test_only_a_changed_definition_must_prove_itself() -> None:
    """The same check keeps its status rightly, a new one has none of before."""
    actual = having(wanted(checks=[tcp("same"), tcp("changes")]))
    call = wanted(checks=[tcp("same"), tcp("changes", timeout="2s"), tcp("new")])
    assert plan_service(call, actual).unproven == {"service:web-1:changes": 12.0}


def test_many_checks_share_one_name_for_all() -> None:
    """The digests never exceed what Consul takes as a metadata value."""
    call = wanted(checks=[ttl(str(number)) for number in range(40)])
    assert call.service is not None
    assert 0 < len(call.service.digest) <= 512
    assert plan_service(call, having(call)).empty


def test_purge_takes_this_owners_undeclared_services_only() -> None:
    """Others' services, declared ones and the one of this call stay."""
    owners = {"web-1": "shop", "kept": "shop", "old": "shop", "bank": "bank", "none": ""}
    call = wanted(owner="shop", purge=True, declared=["kept"])
    assert plan_service(call, ActualService(owners=owners)).purge == ("old",)


@pytest.mark.parametrize(
    ("options", "instance", "found"),
    [
        ({}, {}, True),
        ({"id": None}, {"id": "web"}, False),
        ({"address": "192.0.2.9", "port": 80}, {"id": "x", "address": "192.0.2.9"}, True),
        ({"port": 80}, {"id": "x", "address": "192.0.2.1"}, True),
        ({"address": "192.0.2.9", "port": 81}, {"id": "x", "address": "192.0.2.9"}, False),
        ({"address": "127.0.0.1", "port": 80}, {"id": "x", "address": "127.0.0.1"}, False),
        ({"address": "192.0.2.9"}, {"id": "x", "address": "192.0.2.9", "port": 0}, False),
        ({}, {"node": "here"}, False),
        ({}, {"node": "here", "datacenter": "dc2"}, True),
        ({}, {"name": "other"}, False),
        ({"state": "absent"}, {}, False),
    ],
)
def test_a_duplicate_is_the_same_instance_at_another_node(
    options: dict[str, Any], instance: dict[str, Any], found: bool
) -> None:
    """The same given identifier, or the same address and port that mean the same everywhere."""
    there = elsewhere(**instance)
    plan = plan_service(
        wanted(deduplicate="remove", **options), ActualService(node=HERE, instances=(there,))
    )
    assert ((there,) if found else ()) == plan.found == plan.duplicates


def test_what_else_is_removed_is_no_part_of_the_service() -> None:
    """A diff shows it next to the service, a result under names of its own."""
    call = wanted(owner="shop", purge=True, declared=[], deduplicate="remove")
    actual = ActualService(owners={"old": "shop"}, node=HERE, instances=(elsewhere(),))
    plan = plan_service(call, actual)
    assert plan.predicted is not None
    assert set(plan.diff.after) - set(plan.predicted) == {"purged", "duplicates"}


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({"wait": "passing"}, True),
        ({"wait": "none"}, False),
        ({}, False),
        ({"wait": "passing", "state": "maintenance"}, False),
        ({"wait": "passing", "state": "absent"}, False),
    ],
)
def test_only_a_present_service_is_waited_for(options: dict[str, Any], waits: bool) -> None:
    """One in maintenance never passes."""
    assert wanted(**options).wait is waits


def test_a_call_warns_of_the_service_it_registers_only() -> None:
    """A name that DNS cannot carry may be deregistered in silence."""
    assert len(wanted(name="my_web").warnings()) == 1
    assert wanted(name="my_web", state="absent").warnings() == []


def test_reported_duplicates_are_no_change() -> None:
    """deduplicate=report tells and leaves."""
    call = wanted(deduplicate="report")
    actual = dataclasses.replace(having(call), node=HERE, instances=(elsewhere(),))
    plan = plan_service(call, actual)
    assert ((elsewhere(),), (), False) == (plan.found, plan.duplicates, plan.diff.changed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": None, "port": 80}, "needs a name"),
        ({"name": None, "id": None}, "give 'name', or 'id'"),
        ({"id": "a//b"}, "has an empty, '.' or '..' segment"),
        ({"id": "../b"}, "has an empty, '.' or '..' segment"),
        ({"purge": True, "owner": "shop"}, "purge needs 'owner' and 'declared'"),
        ({"purge": True, "declared": []}, "purge needs 'owner' and 'declared'"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(options: dict[str, Any], said: str) -> None:
    """Before any request, and with what is missing."""
    with pytest.raises(ServiceError) as refused:
        wanted(**options)
    assert said in str(refused.value)
