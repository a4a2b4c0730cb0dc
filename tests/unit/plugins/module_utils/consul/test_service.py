"""The plan for a Consul service: what differs, what is sent, what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service import (
    CHECKS_META,
    MAINTENANCE,
    OWNER_META,
    Actual,
    Instance,
    Node,
    Plan,
    Seen,
    Service,
    ServiceError,
    Wanted,
    failing,
    plan_service,
    seconds_of,
)
from hypothesis import given
from hypothesis import strategies as st

HERE = Node("here", "192.0.2.1", "dc1")


def wanted(**params: Any) -> Wanted:
    """What a call for the service web-1 asks for."""
    return Wanted.from_params({"name": "web", "id": "web-1", **params})


def ttl(name: str = "reports", **more: Any) -> dict[str, Any]:
    """A check that has the status somebody reports."""
    return {"name": name, "ttl": "30s", **more}


def tcp(name: str = "listens", **more: Any) -> dict[str, Any]:
    """A check that connects."""
    return {"name": name, "tcp": "127.0.0.1:80", "interval": "10s", **more}


def elsewhere(**more: Any) -> Instance:
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
    return Instance(**{**fields, **more})


def after(plan: Plan, actual: Actual) -> Actual:
    """A model of the agent: what it has once the plan is applied."""
    service, checks = actual.service, actual.checks
    if plan.deregister is not None:
        service, checks = None, ()
    if plan.register is not None:
        body = plan.register.payload(maintenance=plan.maintained, reason=plan.reason)
        checks = tuple(Seen(c["CheckID"], c["Name"], "passing") for c in body["Checks"])
        own = [check.id for check in checks if not check.id.startswith(MAINTENANCE)]
        service = Service.from_api({**body, "Service": body["Name"]}, own)
    if plan.maintenance and service is not None:
        checks = (*checks, Seen(MAINTENANCE + service.id, "m", "critical"))
    elif plan.maintenance is False:
        checks = tuple(check for check in checks if not check.id.startswith(MAINTENANCE))
    return dataclasses.replace(
        actual,
        service=service,
        checks=checks,
        owners={key: who for key, who in actual.owners.items() if key not in plan.purge},
        instances=tuple(each for each in actual.instances if each not in plan.duplicates),
    )


def having(*calls: Wanted) -> Actual:
    """What the agent has after these calls."""
    actual = Actual()
    for call in calls:
        actual = after(plan_service(call, actual), actual)
    return actual


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
def test_a_plan_that_was_applied_leaves_nothing_to_do(call: Wanted, actual: Actual) -> None:
    """Whatever is wanted and whatever is there, a second run is silent."""
    assert plan_service(call, after(plan_service(call, actual), actual)).empty


@given(CALLS | PURGES, STATES)
def test_the_diff_is_empty_exactly_when_the_plan_is(call: Wanted, actual: Actual) -> None:
    """`changed` and the requests come from the same comparison."""
    plan = plan_service(call, actual)
    assert plan.diff.changed is not plan.empty
    assert (plan.action == "unchanged") is plan.empty


@given(CALLS, STATES)
def test_the_prediction_is_what_comes(call: Wanted, actual: Actual) -> None:
    """The diff's after is the service that a look afterwards finds."""
    plan = plan_service(call, actual)
    found = after(plan, actual)
    shown = {k: v for k, v in plan.diff.after.items() if k != "duplicates"}
    if found.service is None:
        assert shown == {"state": "absent"}
    else:
        assert shown == {**found.service.shown(), "maintenance": found.maintenance}


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
def test_the_action_names_what_differs(before: list[Wanted], call: Wanted, action: str) -> None:
    """One word for each way from what is to what shall be."""
    assert action == plan_service(call, having(*before)).action


def test_a_service_without_maintenance_of_ours_is_kept_as_it_is() -> None:
    """Without a name, maintenance leaves the registration alone."""
    actual = having(wanted(tags=["a"], checks=[ttl()]))
    plan = plan_service(Wanted.from_params({"id": "web-1", "state": "maintenance"}), actual)
    assert (plan.register, plan.maintenance) == (None, True)


def test_maintenance_of_nothing_is_a_problem() -> None:
    """A service that is not there cannot be maintained without its definition."""
    plan = plan_service(Wanted.from_params({"id": "web-1", "state": "maintenance"}), Actual())
    assert "there is no service web-1" in plan.problem


def test_maintenance_goes_along_with_the_registration() -> None:
    """Replacing all checks would end it, and a second request would come too late."""
    plan = plan_service(wanted(state="maintenance", maintenance_reason="kernel"), Actual())
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


def test_addresses_that_the_agent_derives_are_no_difference() -> None:
    """Consul adds lan_ipv4 and wan_ipv4 for an IP address."""
    actual = having(wanted(address="192.0.2.7", port=80))
    assert actual.service is not None
    body = actual.service.payload()
    own = {"Address": "192.0.2.7", "Port": 80}
    body["TaggedAddresses"] = {"lan_ipv4": own, "wan_ipv4": own}
    seen = Service.from_api({**body, "Service": "web"})
    assert seen == actual.service


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
    assert plan_service(call, Actual(owners=owners)).purge == ("old",)


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
        wanted(deduplicate="remove", **options), Actual(node=HERE, instances=(there,))
    )
    assert ((there,) if found else ()) == plan.found == plan.duplicates


def test_reported_duplicates_are_no_change() -> None:
    """deduplicate=report tells and leaves."""
    call = wanted(deduplicate="report")
    actual = dataclasses.replace(having(call), node=HERE, instances=(elsewhere(),))
    plan = plan_service(call, actual)
    assert ((elsewhere(),), (), False) == (plan.found, plan.duplicates, plan.diff.changed)


@pytest.mark.parametrize(
    ("checks", "alive"),
    [
        ([{"CheckID": "serfHealth", "Status": "passing"}], True),
        ([{"CheckID": "serfHealth", "Status": "critical"}], False),
        ([{"CheckID": "service:web-1", "Status": "passing"}], False),
        ([], False),
    ],
)
def test_an_agent_lives_when_the_gossip_says_so(checks: list[Any], alive: bool) -> None:
    """A node without serfHealth has no agent."""
    entry = {
        "Node": {"Node": "there", "Address": "192.0.2.2", "Datacenter": "dc1"},
        "Service": {"ID": "web-1", "Service": "web", "Address": "", "Port": 80},
        "Checks": checks,
    }
    assert elsewhere(alive=alive) == Instance.from_api(entry)


@pytest.mark.parametrize(
    ("check", "definition"),
    [
        (
            {"http": "https://a/b", "interval": "1s", "method": "post", "headers": {"A": ["b", 1]}},
            {
                "HTTP": "https://a/b",
                "Interval": "1s",
                "Method": "POST",
                "Header": {"A": ["b", "1"]},
            },
        ),
        (
            {"grpc": "h:1/s", "interval": "1s", "grpc_use_tls": True, "tls_server_name": "h"},
            {"GRPC": "h:1/s", "Interval": "1s", "GRPCUseTLS": True, "TLSServerName": "h"},
        ),
        (
            {"docker_container_id": "c", "args": ["true"], "shell": "/bin/sh", "interval": "1s"},
            {"DockerContainerID": "c", "Args": ["true"], "Shell": "/bin/sh", "Interval": "1s"},
        ),
        (
            {"alias_service": "db", "alias_node": "n"},
            {"AliasService": "db", "AliasNode": "n"},
        ),
        (
            {"udp": "[::1]:53", "interval": "1m", "status": "passing", "notes": "a\nb"},
            {"UDP": "[::1]:53", "Interval": "1m", "Status": "passing", "Notes": "a\nb"},
        ),
    ],
)
def test_a_check_speaks_consuls_words(check: dict[str, Any], definition: dict[str, Any]) -> None:
    """Each kind with its options becomes the definition of the HTTP API."""
    service = wanted(checks=[{"name": "c", **check}]).service
    assert service is not None
    (sent,) = service.payload()["Checks"]
    assert {"CheckID": "service:web-1:c", "Name": "c", **definition} == sent


def test_our_marks_are_not_the_users_metadata() -> None:
    """Owner and digests travel in Meta, and are taken out when it is read back."""
    service = wanted(owner="shop", meta={"on": True, "n": 2}, checks=[ttl()]).service
    assert service is not None
    sent = service.payload()["Meta"]
    assert {"on": "true", "n": "2", OWNER_META: "shop", CHECKS_META: service.digest} == sent
    assert service.shown()["meta"] == {"on": "true", "n": "2"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": None}, "needs a name"),
        ({"name": None, "id": None}, "name the service"),
        ({"name": "a\nb"}, "name of service 'a\\nb' has a control character"),
        ({"id": "a//b"}, "has an empty part"),
        ({"id": "../b"}, "dots between its slashes"),
        ({"tags": ["ok", "a\x00"]}, "tag 2"),
        ({"tags": ["a\u2028b"]}, "tag 1"),
        ({"meta": {"a": "b\r"}}, "meta 'a'"),
        ({"meta": {"a.b": "c"}}, "keys have 1 to 128 letters"),
        ({"meta": {"a" * 129: "c"}}, "keys have 1 to 128 letters"),
        ({"meta": {"a": "ä" * 257}}, "up to 512 bytes"),
        ({"meta": {"a": ["b"]}}, "is not a text or a number"),
        ({"meta": {"consul-a": "b"}}, "Consul's own prefix"),
        ({"meta": {OWNER_META: "me"}}, "is written by this module"),
        ({"meta": {str(n): "" for n in range(64)}, "owner": "o"}, "65 meta pairs"),
        ({"port": -1}, "port -1"),
        ({"port": 65536}, "port 65536"),
        ({"address": "http://a"}, "is not an IP address or host name alone"),
        ({"address": "a:80"}, "is not an IP address or host name alone"),
        ({"address": "0.0.0.0"}, "where it listens"),
        ({"weights": {"passing": 0}}, "weights of service 'web'"),
        ({"tagged_addresses": {"wan": "a"}}, "tagged address 'wan'"),
        ({"tagged_addresses": {"wan": {"address": "a", "port": "x"}}}, "is not a number"),
        ({"tagged_addresses": {"wan": {"address": "a", "port": 65536}}}, "port 65536 of tagged"),
        ({"purge": True, "owner": "shop"}, "purge needs 'owner' and 'declared'"),
        ({"purge": True, "declared": []}, "purge needs 'owner' and 'declared'"),
        ({"checks": [ttl(), ttl()]}, "more than one check service:web-1:reports"),
        ({"checks": [ttl(id="_service_maintenance:web-1")]}, "identifier of a maintenance"),
    ],
)
def test_what_consul_could_not_bear_is_refused(options: dict[str, Any], said: str) -> None:
    """Before any request, and with the place of the mistake."""
    with pytest.raises(ServiceError) as refusal:
        wanted(**options)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({}, "exactly one of http, tcp"),
        ({"tcp": "a:1", "ttl": "1s"}, "this one has tcp and ttl"),
        ({"tcp": "a:1"}, "needs an interval"),
        ({"ttl": "1s", "interval": "1s"}, "interval means nothing there"),
        ({"alias_node": "n", "timeout": "1s"}, "timeout means nothing there"),
        ({"tcp": "a:1", "interval": "1s", "method": "GET"}, "method means nothing there"),
        ({"http": "http://a", "interval": "1s", "args": ["x"]}, "args means nothing there"),
        ({"docker_container_id": "c", "interval": "1s"}, "needs args"),
        ({"http": "a/b", "interval": "1s"}, "is not a URL"),
        ({"tcp": "a", "interval": "1s"}, "is not host:port"),
        ({"udp": "a:0", "interval": "1s"}, "is not host:port"),
        ({"ttl": "10"}, "is not a duration"),
        ({"ttl": "1d"}, "is not a duration"),
        ({"ttl": "0s"}, "more than 0s"),
        ({"tcp": "a:1", "interval": "500ms"}, "at least 1s"),
        ({"ttl": "1s", "deregister_critical_service_after": "59s"}, "at least 60s"),
        ({"tcp": "a:1", "interval": "1s", "failures_before_warning": 2}, "is critical after 0"),
        ({"tcp": "a:1", "interval": "1s", "success_before_passing": -1}, "number below 0"),
        ({"http": "http://a", "interval": "1s", "method": "G T"}, "is not an HTTP method"),
        ({"http": "http://a", "interval": "1s", "headers": {"A": "b\nc"}}, "control character"),
    ],
)
def test_a_check_that_is_none_is_refused(check: dict[str, Any], said: str) -> None:
    """Exactly one kind, what it needs, and nothing that means nothing to it."""
    with pytest.raises(ServiceError) as refusal:
        wanted(checks=[check])
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("1h1m1.5s", 3661.5),
        (".5m", 30),
        ("250ms", 0.25),
        ("2µs", 2e-6),
        ("", None),
        ("1", None),
        ("1 s", None),
        ("-1s", None),
        ("s", None),
    ],
)
def test_durations_are_gos(text: str, seconds: float | None) -> None:
    """What Go's time.ParseDuration takes, without a sign."""
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("name", "warned"), [("web-1", False), ("my_web", True), ("-a", True), ("a" * 64, True)]
)
def test_a_name_beyond_dns_is_a_warning(name: str, warned: bool) -> None:
    """Consul takes it and cannot answer for it."""
    service = wanted(name=name).service
    assert service is not None
    assert warned is bool(service.warnings())


def test_what_fails_is_named_with_what_it_said() -> None:
    """A phrase for each check that does not pass, on one line."""
    checks = [
        Seen("a", "A", "passing"),
        Seen("b", "B", "critical", "x\n y"),
        Seen("c", "", "warning"),
    ]
    assert failing(checks) == ["B is critical: x y", "c is warning: no output yet"]
