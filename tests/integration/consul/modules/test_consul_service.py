"""The module consul_service against real agents: every promise of its documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept, documented
from ansible_collections.rollcall.discovery.tests.support.recorded import WEB
from ansible_collections.rollcall.discovery.tests.support.stalls import at_most
from rollcall_agents.clusters import Agents
from rollcall_agents.polling import eventually

MODULE = "rollcall.discovery.consul_service"
Run = Callable[..., list[dict[str, Any]]]
# Nobody needs to be there: what has no check passes.
ELSEWHERE = {"address": "192.0.2.7", "port": 8080}


def task(**options: Any) -> dict[str, Any]:
    """A task that registers a service named web, unless it says otherwise."""
    return {MODULE: {"name": "web", "id": "web-1", **options}}


def ttl(name: str = "reports", **more: Any) -> dict[str, Any]:
    """A check that has the status somebody reports."""
    return {"name": name, "ttl": "10m", **more}


def outcomes(results: list[dict[str, Any]]) -> list[tuple[bool, str]]:
    """What happened in each task; no task failed or warned."""
    assert not [result["msg"] for result in results if result.get("failed")]
    assert not [result["warnings"] for result in results if result.get("warnings")]
    return [(result["changed"], result["action"]) for result in results]


def test_every_example_runs(play: Run, agents: Agents) -> None:
    """EXAMPLES stand as they are but for the agent's port."""
    text = yaml.safe_dump(documented("consul_service", "EXAMPLES")).replace(
        "127.0.0.1:8500", agents.own.url[7:]
    )
    examples = yaml.safe_load(text.replace("port: 8500", f"port: {agents.own.port}"))
    results = play(examples)
    assert outcomes(results) == [
        (True, "registered"),
        (True, "maintenance entered"),
        (True, "deregistered"),
        (True, "registered"),
        (True, "registered"),
        (True, "purged"),
        (True, "deregistered"),
    ]
    assert agents.own.get("/v1/agent/services") == {}


def test_every_promise_is_kept(run: Run, agents: Agents) -> None:
    """Foreseen and done, with checks that say something, a duplicate, and what is purged."""
    agents.other.register("web", "web-1", Address="192.0.2.1", Port=1)
    eventually("it in the catalog", lambda: agents.own.catalog("web"))
    deaf = {"name": "deaf", "tcp": "127.0.0.1:1", "interval": "1s"}
    waiting = {"wait": "passing", "wait_timeout": 3}
    wanted = {**WEB, "purge": True, "declared": [], "deduplicate": "remove"}
    predicted = run([{MODULE: wanted}], check=True, diff=True)
    results = run(
        [
            task(id="old", owner="shop"),
            {MODULE: wanted},
            task(id="deaf", checks=[deaf], **waiting),
            {MODULE: {"id": "deaf", "state": "maintenance"}},
            {MODULE: {"id": "deaf", "state": "absent"}},
        ],
        diff=True,
    )
    assert results[2]["failed"]
    assert_kept("consul_service", [*predicted, *results])


def test_registers_once_and_finds_it_again(run: Run, agents: Agents) -> None:
    """Whatever the identifier holds, a second run changes nothing and sends nothing."""
    full = {
        "address": "192.0.2.7",
        "port": 80,
        "tags": ["b", "a"],
        "meta": {"version": 2, "on": True},
        "tagged_addresses": {
            "lan_ipv4": {"address": "192.0.2.7"},
            "wan": {"address": "w.example", "port": 8},
        },
        "weights": {"passing": 5, "warning": 0},
        "enable_tag_override": True,
        "owner": "shop",
        "checks": [
            {"name": "h", "http": "http://127.0.0.1:1/", "interval": "1h", "header": {"A": "b"}},
            {"name": "t", "tcp": "127.0.0.1:1", "interval": "1h", "status": "warning"},
            {"name": "u", "udp": "127.0.0.1:1", "interval": "1h"},
            {"name": "g", "grpc": "127.0.0.1:1/x", "grpc_use_tls": True, "interval": "1h"},
            {"name": "s", "alias_service": "other"},
            ttl("r", deregister_critical_service_after="90s"),
        ],
    }
    identifiers = ["web-1", "host:web:80", "a b/ü?c#%41"]
    results = run([task(id=each, **full) for each in sorted(identifiers * 2)])
    assert outcomes(results) == [(True, "registered"), (False, "unchanged")] * 3
    registered = agents.own.get("/v1/agent/services")
    assert set(registered) == set(identifiers)
    assert registered["web-1"]["Meta"]["rollcall-owner"] == "shop"
    for first, second in zip(results[::2], results[1::2], strict=True):
        assert first["service"] == second["service"]
        assert first["service"]["weights"] == {"passing": 5, "warning": 0}
        assert first["service"]["meta"] == {"version": "2", "on": "true"}
        assert len(first["checks"]) == 6


def test_check_mode_says_what_the_real_run_does(play: Run, run: Run, agents: Agents) -> None:
    """A play's prediction leaves the agent alone and equals the run that follows it."""
    run([task(id=each) for each in ("updated", "gone", "maintained", "same")])
    wanted = [
        task(id="new", checks=[ttl()]),
        task(id="updated", tags=["new"]),
        task(id="gone", state="absent"),
        task(id="maintained", state="maintenance"),
        task(id="same"),
    ]
    was = agents.own.get("/v1/agent/services"), agents.own.checks()
    predictions = play(wanted, "--check", "--diff")
    assert (agents.own.get("/v1/agent/services"), agents.own.checks()) == was
    results = run(wanted, diff=True)
    assert [entry[0] for entry in outcomes(results)] == [True] * 4 + [False]
    for predicted, real in zip(predictions, results, strict=True):
        for key in ("changed", "action", "service", "diff"):
            assert predicted[key] == real[key], key
        assert (real["diff"]["before"] == real["diff"]["after"]) is not real["changed"]


def test_the_diff_hides_what_a_check_sends(run: Run, agents: Agents) -> None:
    """A header may be a secret: the diff and the result name the check only."""
    secret = {"name": "h", "http": "http://127.0.0.1:1", "interval": "1h"}
    (result,) = run([task(checks=[{**secret, "headers": {"X": "s3cret"}}])], diff=True)
    shown = {key: result[key] for key in ("diff", "service", "checks")}
    assert "s3cret" not in str(shown)
    assert result["diff"]["after"]["check_ids"] == ["service:web-1:h"]


def test_checks_are_replaced_and_those_that_stay_keep_their_status(
    run: Run, agents: Agents
) -> None:
    """A stale check goes, a new one comes, and one that passes does not fall back."""
    run([task(checks=[ttl("stays"), ttl("stale")])])
    agents.own.call("PUT", "/v1/agent/check/pass/service:web-1:stays")
    (result,) = run([task(checks=[ttl("new"), ttl("stays")])])
    assert outcomes([result]) == [(True, "updated")]
    assert {check["name"]: check["status"] for check in result["checks"]} == {
        "new": "critical",
        "stays": "passing",
    }


def test_a_check_that_somebody_added_or_removed_is_put_right(run: Run, agents: Agents) -> None:
    """Read back are the identifiers of the checks, not our own mark alone."""
    wanted = task(checks=[ttl("mine")])
    run([wanted])
    agents.own.call(
        "PUT",
        "/v1/agent/check/register",
        {"Name": "foreign", "TTL": "1m", "ServiceID": "web-1"},
    )
    added = run([wanted, wanted])
    agents.own.call("PUT", "/v1/agent/check/deregister/service:web-1:mine")
    removed = run([wanted, wanted])
    expected = [(True, "updated"), (False, "unchanged")]
    assert (outcomes(added), outcomes(removed)) == (expected, expected)
    assert set(agents.own.checks()) == {"service:web-1:mine"}


def test_waits_until_every_check_passes(run: Run, agents: Agents) -> None:
    """wait=passing returns with checks that pass, the first of them critical before."""
    leader = {"name": "leader", "http": f"{agents.own.url}/v1/status/leader", "interval": "1s"}
    (result,) = run([task(checks=[leader], wait="passing", wait_timeout=20)])
    assert outcomes([result]) == [(True, "registered")]
    assert [check["status"] for check in result["checks"]] == ["passing"]


def test_a_check_that_does_not_pass_is_named_with_what_it_said(run: Run, agents: Agents) -> None:
    """The failure names the check, its status and its output, at the deadline."""
    deaf = {"name": "deaf", "tcp": "127.0.0.1:1", "interval": "1s"}
    wanted = task(checks=[deaf, ttl(status="passing")], wait="passing", wait_timeout=3)
    with at_most(15, "waiting for 3 s"):
        (result,) = run([wanted])
    assert result["failed"]
    assert "service web-1 does not pass after 3 s: deaf is critical: dial tcp" in result["msg"]
    assert "connection refused" in result["msg"]
    assert "reports" not in result["msg"]
    assert {check["name"] for check in result["checks"]} == {"deaf", "reports"}


def test_a_status_of_the_old_definition_does_not_pass_for_the_new(run: Run, agents: Agents) -> None:
    """The check passed at its old port; under the same name it now asks one that is closed."""
    old = {"name": "c", "tcp": agents.own.url[7:], "interval": "1s", "timeout": "1s"}
    new = {**old, "tcp": "127.0.0.1:1"}
    results = run(
        [
            task(checks=[old], wait="passing", wait_timeout=20),
            task(checks=[new], wait="passing", wait_timeout=4),
        ]
    )
    assert not results[0].get("failed")
    assert results[1]["failed"]
    assert "c is critical: dial tcp 127.0.0.1:1" in results[1]["msg"]


def test_maintenance_is_entered_and_left_once(run: Run, agents: Agents) -> None:
    """state=maintenance takes the service out with its reason, state=present brings it back."""
    service = {"checks": [ttl(status="passing")]}
    results = run(
        [
            task(**service),
            task(**service, state="maintenance", maintenance_reason="new kernel"),
            task(**service, state="maintenance", maintenance_reason="new kernel"),
            {MODULE: {"id": "web-1", "state": "maintenance"}},
            task(**service),
            task(**service),
        ]
    )
    assert outcomes(results)[1:] == [
        (True, "maintenance entered"),
        (False, "unchanged"),
        (False, "unchanged"),
        (True, "maintenance left"),
        (False, "unchanged"),
    ]
    assert [result["service"]["maintenance"] for result in results[1:5]] == [True] * 3 + [False]
    assert [check["id"] for check in results[1]["checks"]][:1] == ["_service_maintenance:web-1"]


def test_a_maintained_service_changes_without_being_in_rotation(run: Run, agents: Agents) -> None:
    """Replacing checks would end the maintenance: it is kept, with its reason, and can be left."""
    results = run(
        [
            task(state="maintenance", reason="new kernel"),
            task(state="maintenance", reason="new kernel", tags=["v2"]),
        ]
    )
    notes = {check["CheckID"]: check["Notes"] for check in agents.own.checks().values()}
    results += run([task(state="maintenance", tags=["v2"]), task(tags=["v2"])])
    assert outcomes(results) == [
        (True, "registered"),
        (True, "updated"),
        (False, "unchanged"),
        (True, "maintenance left"),
    ]
    assert notes == {"_service_maintenance:web-1": "new kernel"}
    assert agents.own.checks() == {}


def test_purges_what_the_owner_no_longer_declares(run: Run, agents: Agents) -> None:
    """Another owner's service, and one of nobody, stay."""
    agents.own.register("nobodys", "nobodys")
    run(
        [
            task(id="a", owner="shop"),
            task(id="b", owner="shop"),
            task(id="c", owner="shop"),
            task(id="d", owner="bank"),
        ]
    )
    wanted = task(id="a", owner="shop", purge=True, declared=["b"])
    (predicted,) = run([wanted], check=True)
    results = run([wanted, wanted])
    assert predicted["purged"] == results[0]["purged"] == ["c"]
    assert outcomes(results) == [(True, "purged"), (False, "unchanged")]
    assert set(agents.own.get("/v1/agent/services")) == {"a", "b", "d", "nobodys"}


@pytest.mark.parametrize(
    ("other_id", "other", "own"),
    [
        pytest.param("web-1", {"Address": "192.0.2.1", "Port": 1}, ELSEWHERE, id="same id"),
        pytest.param("old", {"Address": "192.0.2.7", "Port": 8080}, ELSEWHERE, id="same address"),
    ],
)
def test_removes_the_same_instance_at_another_agent_for_good(
    run: Run, agents: Agents, other_id: str, other: dict[str, Any], own: dict[str, Any]
) -> None:
    """Reported, predicted, removed at the agent that holds it, and not back by anti-entropy."""
    agents.other.register("web", other_id, **other)
    agents.other.register("web", "innocent", Address="192.0.2.99", Port=99)
    eventually("it in the catalog", lambda: ("other", other_id) in agents.own.catalog("web"))
    reported = run([task(**own), task(**own, deduplicate="report")])[1]
    (predicted,) = run([task(**own, deduplicate="remove")], check=True)
    assert ("other", other_id) in agents.own.catalog("web")
    results = run([task(**own, deduplicate="remove"), task(**own, deduplicate="remove")])
    found = {"node": "other", "id": other_id, "address": other["Address"], "port": other["Port"]}
    assert (reported["changed"], reported["duplicates"]) == (False, [{**found, "removed": False}])
    assert outcomes([predicted, *results]) == [
        (True, "deduplicated"),
        (True, "deduplicated"),
        (False, "unchanged"),
    ]
    assert results[0]["duplicates"] == [{**found, "removed": True}]
    assert results[1]["duplicates"] == []
    agents.other.kill()
    gone = {"Node": "other", "ServiceID": "innocent"}
    agents.own.call("PUT", "/v1/catalog/deregister", gone)
    # An agent that starts compares all it kept with the catalog, and writes what that lacks.
    agents.other.start()
    left = {("own", "web-1"), ("other", "innocent")}
    eventually("what it kept in the catalog", lambda: agents.own.catalog("web") >= left)
    assert set(agents.other.get("/v1/agent/services")) == {"innocent"}
    assert agents.own.catalog("web") == left


def test_a_default_identifier_is_not_the_same_instance(run: Run, agents: Agents) -> None:
    """A service of the same name stands rightly at each agent, and so does a loopback address."""
    agents.other.register("web", "web", Address="127.0.0.1", Port=80)
    eventually("it in the catalog", lambda: agents.own.catalog("web"))
    (result,) = run(
        [{MODULE: {"name": "web", "address": "127.0.0.1", "port": 80, "deduplicate": "remove"}}]
    )
    assert result["duplicates"] == []
    assert agents.own.catalog("web") >= {("other", "web")}


def test_asks_an_agent_for_its_name_before_deregistering_there(run: Run, agents: Agents) -> None:
    """A template that leads to the wrong agent must not cost it the instance."""
    agents.other.register("web", "web-1")
    eventually("it in the catalog", lambda: agents.own.catalog("web"))
    (result,) = run([task(deduplicate="remove", agent_url_template=agents.own.url)])
    assert result["failed"]
    assert "is the agent of node own in dc1, not of other" in result["msg"]
    assert set(agents.own.get("/v1/agent/services")) == {"web-1"}
    assert set(agents.other.get("/v1/agent/services")) == {"web-1"}


def test_an_agent_that_lives_but_cannot_be_reached_is_an_error(run: Run, agents: Agents) -> None:
    """In the catalog it would come back: the module says where it looked, and removes nothing."""
    agents.other.register("web", "web-1")
    eventually("it in the catalog", lambda: agents.own.catalog("web"))
    (result,) = run([task(deduplicate="remove", agent_url_template="http://{address}:1")])
    assert result["failed"]
    assert "which is alive" in result["msg"]
    assert "See agent_url_template" in result["msg"]
    assert ("other", "web-1") in agents.own.catalog("web")


def test_a_dead_agents_instance_is_removed_in_the_catalog(run: Run, agents: Agents) -> None:
    """kill -9: nobody puts it back, and nobody can be asked to deregister it."""
    agents.other.register("web", "web-1", Address="192.0.2.1", Port=1)
    agents.other.register("web", "innocent")
    eventually("both in the catalog", lambda: len(agents.own.catalog("web")) == 2)
    agents.other.kill()
    eventually("serfHealth critical", lambda: agents.node_is("critical"), 60)
    results = run([task(deduplicate="remove"), task(deduplicate="remove")])
    assert outcomes(results) == [(True, "registered"), (False, "unchanged")]
    assert [(each["node"], each["removed"]) for each in results[0]["duplicates"]] == [
        ("other", True)
    ]
    assert agents.own.catalog("web") == {("own", "web-1"), ("other", "innocent")}


MISTAKES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"checks": [{"name": "x"}]}, "must have exactly one of http"),
    ({"port": 70000}, "port 70000"),
    ({"purge": True}, "purge needs 'owner' and 'declared'"),
    ({"agent_url_template": "http://{host}"}, "agent_url_template has {host}"),
    ({"url": "127.0.0.1:8500"}, "is not a URL such as"),
    ({"url": "http://127.0.0.1:1"}, "no answer"),
    (
        {"id": "nobody", "name": None, "state": "maintenance"},
        "service nobody is not registered at this",
    ),
)


def test_a_mistake_is_a_sentence(run: Run, agents: Agents) -> None:
    """No traceback, and nothing registered."""
    results = run([task(**options) for options, said in MISTAKES])
    for result, (options, said) in zip(results, MISTAKES, strict=True):
        assert result["failed"], options
        assert said in result["msg"]
        assert "Traceback" not in str(result)
    assert agents.own.get("/v1/agent/services") == {}


def test_a_name_that_dns_cannot_carry_is_a_warning(run: Run, agents: Agents) -> None:
    """Consul takes it, so the module does."""
    (result,) = run([task(name="my_web")])
    assert result["changed"]
    assert "Consul DNS cannot resolve it" in str(result["warnings"])


def test_check_mode_without_an_agent_predicts_an_empty_one(run: Run, agents: Agents) -> None:
    """A host that is still to be provisioned can be predicted, with a warning."""
    (result,) = run([task(url="http://127.0.0.1:1")], check=True)
    assert (result["changed"], result["action"]) == (True, "registered")
    assert "prediction for an agent without services" in str(result["warnings"])
