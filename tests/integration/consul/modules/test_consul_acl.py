"""The module consul_acl against real servers: every promise of its documentation."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.plugins.filter.core import to_uuid
from ansible_collections.rollcall.discovery.tests.support.plays import played
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept, documented
from rollcall_agents.agent import LOCAL, Agent
from rollcall_agents.clusters import (
    client,
    guarded,
    joining,
    running,
    server,
    three_servers,
    token_with,
    untouched,
)

from ..conftest import ask, surroundings

NAME = "consul_acl"
MODULE = f"rollcall.discovery.{NAME}"
RULES = 'node_prefix "" { policy = "read" }\n'
ANONYMOUS = "00000000-0000-0000-0000-000000000002"
BUILT_IN = {"global-management", "builtin/global-read-only"}
Options = dict[str, Any]


def secret() -> str:
    """A new one."""
    return str(uuid.uuid4())


def policy(name: str = "rollcall-web", rules: str = RULES, **more: Any) -> Options:
    """A policy that may read nodes."""
    return {"name": name, "rules": rules, **more}


def token(name: str = "web", secret_id: str | None = None, **more: Any) -> Options:
    """A token with a secret of its own, and no rights."""
    return {"name": name, "secret_id": secret_id or secret(), **more}


@dataclasses.dataclass(frozen=True)
class Acl:
    """The module, spoken to one agent."""

    agent: Agent

    def __call__(self, *, check: bool = False, **options: Any) -> Options:
        """What the module returns, with its diff."""
        modes = {"_ansible_check_mode": check, "_ansible_diff": True}
        who = {"url": self.agent.url, "token": self.agent.token}
        result = ask(MODULE, {**who, **modes, **options})
        given = [each.get("secret_id") for each in options.get("tokens", ())]
        given.append(options.get("token", self.agent.token))
        shown = json.dumps(result)
        # Where a secret was given, Ansible's own placeholder stands in the invocation.
        assert not [each for each in given if each and len(each) > 8 and each in shown]
        assert "invocation" in result
        return result

    def done(self, **options: Any) -> Options:
        """What the module did, as it had foreseen; a second run finds nothing to do."""
        was = self.state()
        predicted = self(check=True, **options)
        assert self.state() == was
        result = self(**options)
        assert not result.get("failed"), result["msg"]
        for key in set(documented(NAME, "RETURN")) | {"changed", "diff"}:
            assert predicted.get(key) == result.get(key), key
        assert (result["diff"]["before"] == result["diff"]["after"]) is not result["changed"]
        is_now = self.state()
        again = self(**options)
        assert (again["changed"], self.state()) == (False, is_now)
        return result

    def policies(self) -> dict[str, Any]:
        """All policies but Consul's own, whole."""
        listed = self.agent.get("/v1/acl/policies")
        return {
            each["Name"]: self.agent.get(f"/v1/acl/policy/{each['ID']}")
            for each in listed
            if each["Name"] not in BUILT_IN
        }

    def tokens(self) -> dict[str, Any]:
        """All tokens by accessor."""
        return {each["AccessorID"]: each for each in self.agent.get("/v1/acl/tokens")}

    def state(self) -> Any:
        """All there is, with the indexes that every write moves."""
        return self.policies(), self.tokens()

    def forget(self) -> None:
        """Delete all but the agent's own token."""
        for each in self.policies().values():
            self.agent.call("DELETE", f"/v1/acl/policy/{each['ID']}")
        self.agent.call("PUT", f"/v1/acl/token/{ANONYMOUS}", {"Description": "Anonymous Token"})
        for accessor, each in self.tokens().items():
            if accessor != ANONYMOUS and each["SecretID"] != self.agent.token:
                self.agent.call("DELETE", f"/v1/acl/token/{accessor}")


def actions(results: list[Options]) -> dict[str, str]:
    """What became of each, by name."""
    return {each["name"]: each["action"] for each in results}


@pytest.fixture(scope="module", name="_guarded")
def _guarded_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A server that forbids whatever a token does not allow; ours may do all."""
    with guarded(tmp_path_factory.mktemp("guarded")) as agent:
        yield agent


@pytest.fixture(name="acl")
def _acl(_guarded: Agent) -> Acl:
    """The module at a server without policies and tokens of ours."""
    found = Acl(_guarded)
    found.forget()
    return found


# The bootstrap


def test_every_example_runs(tmp_path: pathlib.Path) -> None:
    """EXAMPLES stand as they are but for the port, at a server that starts right then."""
    names = ("bootstrap", "operator", "registrator", "agent")
    values = {f"{name}_secret": secret() for name in names}
    values["agent_secret_of_today"] = secret()
    (tmp_path / "variables.json").write_text(json.dumps(values))
    with untouched(tmp_path) as agent:
        text = yaml.safe_dump(documented(NAME, "EXAMPLES"))
        tasks = yaml.safe_load(text.replace("http://127.0.0.1:8500", agent.url))
        steps = [{**task, "register": f"step_{index}"} for index, task in enumerate(tasks)]
        registered = ", ".join(step["register"] for step in steps)
        save = {
            "ansible.builtin.copy": {
                "content": f"{{{{ [{registered}] | to_json }}}}",
                "dest": str(tmp_path / "results.json"),
                "mode": "0600",
            }
        }
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [*steps, save]}
        status, output = played(
            [play],
            tmp_path,
            *("-vvv", "--diff", "-e", f"@{tmp_path / 'variables.json'}"),
            environment=surroundings(),
        )
        assert status == 0, output
        results = json.loads((tmp_path / "results.json").read_text())
        agent.token = values["operator_secret"]
        left = {each["Description"]: each["SecretID"] for each in Acl(agent).tokens().values()}
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in output
    leaks = [name for name, value in values.items() if value in output]
    assert not leaks
    assert [actions(each["tokens"]) for each in results] == [
        {"operator": "created"},
        {"registrator-node1": "created", "agent-node1": "created"},
        {"agent-node1": "created"},
        {"agent-node1": "deleted"},
        {"registrator-node1": "deleted"},
    ]
    assert [each["bootstrapped"] for each in results] == [True, *[False] * 4]
    assert left == {
        "Anonymous Token": "anonymous",
        "Bootstrap Token (Global Management)": values["bootstrap_secret"],
        "rollcall: operator": values["operator_secret"],
        "rollcall: agent-node1": values["agent_secret_of_today"],
    }
    assert_kept("consul_acl", results)


def test_a_bootstrap_is_done_once(tmp_path: pathlib.Path) -> None:
    """At a server that has no leader yet; whoever comes second with the token finds it done."""
    wanted = {
        "bootstrap": True,
        "policies": [policy()],
        "tokens": [token(policies=["rollcall-web"])],
    }
    with untouched(tmp_path) as agent:
        agent.token = secret()
        acl = Acl(agent)
        real = acl(**wanted)
        again = acl(**wanted)
        assert [real["bootstrapped"], again["bootstrapped"]] == [True, False]
        assert [real["changed"], again["changed"]] == [True, False]
        assert real["diff"]["before"] == {"bootstrapped": False, "policies": {}, "tokens": {}}
        (first,) = [each for each in acl.tokens().values() if each["SecretID"] == agent.token]
        assert [each["Name"] for each in first["Policies"]] == ["global-management"]


def test_what_cannot_be_meant_leaves_no_bootstrap_behind(tmp_path: pathlib.Path) -> None:
    """A fresh system is foreseen without a write, and stays fresh after a mistake."""
    with untouched(tmp_path) as agent:
        agent.ready("a leader", lambda: agent.get("/v1/status/leader"))
        agent.token = secret()
        acl = Acl(agent)
        wanted = {"bootstrap": True, "tokens": [token(policies=["global-management"])]}
        # There is a leader a moment before there is an ACL system.
        never = acl(tokens=wanted["tokens"])
        predicted = acl(check=True, **wanted)
        mistaken = acl(bootstrap=True, tokens=[token(policies=["typo"])])
        own = acl(bootstrap=True, tokens=[token(secret_id=agent.token)])
        real = acl(**wanted)
    assert "is not bootstrapped: set 'bootstrap: true'" in never["msg"]
    assert "token web links the policy typo" in mistaken["msg"]
    assert (
        "the secret of token web is already used by another token, 'Bootstrap Token" in own["msg"]
    )
    for key in ("changed", "bootstrapped", "tokens", "policies", "diff"):
        assert predicted[key] == real[key], key


def test_a_lost_token_is_told_how_to_reset(acl: Acl) -> None:
    """The failure names the index and Consul's own procedure, in check mode the latter."""
    was = acl.state()
    lost = {"bootstrap": True, "token": secret(), "policies": [policy()]}
    for check in (True, False):
        result = acl(check=check, **lost)
        assert result["failed"]
        assert (
            f"bootstrap at {acl.agent.url}: the ACL system is already bootstrapped" in result["msg"]
        )
        assert "/docs/secure/acl/reset" in result["msg"]
        assert ("reset index: " in result["msg"]) is not check
    assert "Consul does not know this ACL token" in acl(token=secret())["msg"]
    assert acl.state() == was


def test_after_the_reset_procedure_another_token_is_the_first(tmp_path: pathlib.Path) -> None:
    """The administrator writes the index where Consul says; all else is still there."""
    with untouched(tmp_path) as agent:
        agent.token = secret()
        acl = Acl(agent)
        acl(bootstrap=True, policies=[policy()])
        agent.token = secret()
        index = acl(bootstrap=True)["msg"].partition("reset index: ")[2].partition(")")[0]
        (agent.folder / "data" / "acl-bootstrap-reset").write_text(index)
        result = acl(bootstrap=True, policies=[policy()])
        assert (result["bootstrapped"], actions(result["policies"])) == (
            True,
            {"rollcall-web": "unchanged"},
        )


def test_servers_and_clients_know_the_token_at_once(tmp_path: pathlib.Path) -> None:
    """Asked for the bootstrap is a server that does not lead, then a client agent."""
    deny = ("-hcl", 'acl { enabled = true default_policy = "deny" }')
    servers = three_servers(tmp_path, *deny)
    places = (each.gossip for each in servers.values())
    reader = client("c1", tmp_path, *joining(*places), *deny)
    with running(*servers.values(), reader):
        first = servers["s1"]
        first.ready("a leader", lambda: first.get("/v1/status/leader"), 60)
        leader = first.get("/v1/status/leader").partition(":")[0]
        follower = next(each for each in servers.values() if each.address != leader)
        follower.token = reader.token = secret()
        wanted = {"policies": [policy()], "tokens": [token(policies=["rollcall-web"])]}
        made = Acl(follower)(bootstrap=True, **wanted)
        found = Acl(reader)(bootstrap=True, **wanted)
        more = Acl(reader).done(policies=[policy("more")])
    assert (made["bootstrapped"], made["changed"]) == (True, True)
    assert (found["bootstrapped"], found["changed"]) == (False, False)
    assert actions(more["policies"]) == {"more": "created"}


# Policies and tokens


def test_a_policy_is_made_changed_and_deleted(acl: Acl) -> None:
    """Rules, description and datacenters count, each by itself; the diff shows the lines."""
    steps = [
        policy(),
        policy(description="web servers"),
        policy(rules=RULES + 'service "web" { policy = "write" }\n', datacenters=["dc2", "dc1"]),
    ]
    results = [acl.done(policies=[each]) for each in steps]
    assert [actions(each["policies"])["rollcall-web"] for each in results] == [
        *("created", "updated", "updated")
    ]
    assert results[2]["diff"]["before"]["policies"]["rollcall-web"]["rules"] == [RULES.strip()]
    assert results[2]["diff"]["after"]["policies"]["rollcall-web"]["rules"] == [
        RULES.strip(),
        'service "web" { policy = "write" }',
    ]
    found = acl.policies()["rollcall-web"]
    assert (found["Rules"], found["Datacenters"]) == (steps[2]["rules"], ["dc1", "dc2"])
    gone = acl.done(state="absent", policies=[{"name": "rollcall-web"}, {"name": "never-there"}])
    assert actions(gone["policies"]) == {"rollcall-web": "deleted", "never-there": "unchanged"}
    assert acl.policies() == {}


def test_a_token_is_made_with_its_secret_and_found_by_its_accessor(acl: Acl) -> None:
    """The accessor is the one that a playbook computes; the secret opens what it may."""
    mine = secret()
    identity = {"node": "node1", "datacenter": "dc1"}
    wanted = token("web", mine, policies=["rollcall-web"], node_identities=[identity])
    result = acl.done(policies=[policy()], tokens=[wanted])
    accessor = to_uuid(mine)
    assert result["tokens"] == [
        {
            "name": "web",
            "accessor_id": accessor,
            "policies": ["rollcall-web"],
            "action": "created",
        }
    ]
    assert result["diff"]["after"]["tokens"] == {
        accessor: {
            "description": "rollcall: web",
            "policies": ["rollcall-web"],
            "node_identities": ["node1 in dc1"],
            "more": {},
        }
    }
    found = acl.tokens()[accessor]
    assert (found["SecretID"], found["Description"]) == (mine, "rollcall: web")
    own = dataclasses.replace(acl.agent, token=mine)
    assert own.get("/v1/catalog/nodes")
    less = acl.done(tokens=[token("web", mine)])
    assert actions(less["tokens"]) == {"web": "updated"}
    assert not own.get("/v1/catalog/nodes")
    gone = acl.done(state="absent", tokens=[{"name": "web", "accessor_id": accessor}])
    assert actions(gone["tokens"]) == {"web": "deleted"}
    assert accessor not in acl.tokens()


def test_rights_that_somebody_added_are_taken_away(acl: Acl) -> None:
    """A token has exactly the rights that were given, of those too that no option gives."""
    mine = secret()
    acl.done(tokens=[token("web", mine)])
    path = f"/v1/acl/token/{to_uuid(mine)}"
    more = {"ServiceIdentities": [{"ServiceName": "shop"}]}
    acl.agent.call("PUT", path, {**acl.agent.get(path), **more})
    result = acl.done(tokens=[token("web", mine)])
    assert actions(result["tokens"]) == {"web": "updated"}
    assert result["diff"]["before"]["tokens"][to_uuid(mine)]["more"] == more
    assert "ServiceIdentities" not in acl.agent.get(path)


def test_a_token_of_one_datacenter_stays_one(acl: Acl) -> None:
    """Consul would refuse to make it one of all."""
    mine = secret()
    acl.agent.call(
        *("PUT", "/v1/acl/token"),
        {"AccessorID": to_uuid(mine), "SecretID": mine, "Local": True, "Description": "x"},
    )
    acl.done(tokens=[token("web", mine)])
    assert acl.tokens()[to_uuid(mine)]["Local"] is True


def test_a_rotation_ends_with_the_deletion_of_the_old(acl: Acl) -> None:
    """Both work in between; tokens of other names, and without our mark, stay."""
    old, new, other = secret(), secret(), secret()
    acl.agent.call("PUT", "/v1/acl/token", {"Description": "web"})
    acl.agent.call("PUT", "/v1/acl/token", {"Description": "rollcall: web-2"})
    acl.done(tokens=[token("web", old), token("other", other)])
    acl.done(tokens=[token("web", new)])
    assert {to_uuid(old), to_uuid(new)} <= set(acl.tokens())
    result = acl.done(tokens=[token("web", new)], purge=True)
    assert [(each["accessor_id"], each["action"]) for each in result["tokens"]] == [
        (to_uuid(new), "unchanged"),
        (to_uuid(old), "deleted"),
    ]
    left = acl.tokens()
    assert to_uuid(old) not in left
    assert {to_uuid(new), to_uuid(other)} <= set(left)
    assert {"web", "rollcall: web-2"} <= {each["Description"] for each in left.values()}


def test_the_token_of_the_call_is_never_deleted(acl: Acl) -> None:
    """The operator's own rotation: the old one stays while it is used, and the new one ends it."""
    old, new = secret(), secret()
    management = {"policies": ["global-management"]}
    acl.done(tokens=[token("operator", old, **management)])
    wanted = {"tokens": [token("operator", new, **management)], "purge": True}
    kept = acl(token=old, **wanted)
    assert "is an earlier token of operator and was not deleted" in str(kept["warnings"])
    assert {to_uuid(old), to_uuid(new)} <= set(acl.tokens())
    assert actions(acl(token=new, **wanted)["tokens"]) == {"operator": "deleted"}
    assert to_uuid(old) not in acl.tokens()
    result = acl(token=new, state="absent", **wanted)
    assert "token operator is the token of this call and cannot be deleted" in result["msg"]


def test_the_anonymous_token_is_left_alone_without_its_option(acl: Acl) -> None:
    """Given policies are the only ones; other rights of it are not our business."""
    identity = {"NodeIdentities": [{"NodeName": "node1", "Datacenter": "dc1"}]}
    acl.agent.call("PUT", f"/v1/acl/token/{ANONYMOUS}", {"Description": "Us", **identity})
    given = acl.done(policies=[policy()], anonymous_policies=["rollcall-web"])
    assert given["anonymous"] == {"policies": ["rollcall-web"], "action": "updated"}
    assert "anonymous" not in acl.done(policies=[policy()])
    found = acl.tokens()[ANONYMOUS]
    assert [each["Name"] for each in found["Policies"]] == ["rollcall-web"]
    assert (found["Description"], found["NodeIdentities"]) == ("Us", identity["NodeIdentities"])
    taken = acl.done(state="absent", policies=[policy()], anonymous_policies=[])
    assert taken["anonymous"] == {"policies": [], "action": "updated"}
    assert "Policies" not in acl.tokens()[ANONYMOUS]


# Mistakes


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"policies": [policy(rules='node "" { policy = ')]}, "policy rollcall-web: PUT /v1/acl"),
        ({"policies": [policy(rules='key "" { policy = "wriet" }')]}, "Invalid key policy"),
        ({"tokens": [token(policies=["typo"])]}, "token web links the policy typo"),
        ({"anonymous_policies": ["typo"]}, "the anonymous token links the policy typo"),
        (
            {"state": "absent", "policies": [policy()], "anonymous_policies": ["rollcall-web"]},
            "the anonymous token links the policy rollcall-web",
        ),
    ],
)
def test_a_mistake_changes_nothing(acl: Acl, options: Options, part: str) -> None:
    """Neither what stands before it nor after it."""
    was = acl.state()
    result = acl(**options)
    assert result["failed"]
    assert part in result["msg"]
    assert "consul_cluster_status" not in result["msg"]
    assert acl.state() == was


def test_a_secret_that_would_change_is_refused(acl: Acl) -> None:
    """One under an accessor that is taken, and one that another token has."""
    mine = secret()
    acl.done(tokens=[token("web", mine)])
    was = acl.state()
    changed = acl(tokens=[token("web", accessor_id=to_uuid(mine))], policies=[policy()])
    twice = acl(tokens=[token("shop", mine, accessor_id=secret())], policies=[policy()])
    assert "is the accessor of a token with another secret" in changed["msg"]
    assert (
        "the secret of token shop is already used by another token, 'rollcall: web'" in twice["msg"]
    )
    assert acl.state() == was


def test_who_may_only_read_learns_that_nothing_is_to_be_done(acl: Acl) -> None:
    """Consul hides the secrets from it; a change it would need is refused."""
    wanted = {"policies": [policy()], "tokens": [token(policies=["rollcall-web"])]}
    acl.done(**wanted)
    reader = token_with(acl.agent, 'acl = "read"')
    assert acl(token=reader, **wanted)["changed"] is False
    assert "lacks permission 'acl:write'" in acl(token=reader, policies=[policy(rules="")])["msg"]


def test_an_agent_without_acls_is_told_what_to_set(tmp_path: pathlib.Path, acl: Acl) -> None:
    """In check mode its configuration may not be written yet: it is like one that is not there."""
    wanted = {"bootstrap": True, "tokens": [token()], "wait_timeout": 0}
    open_one = server("open", tmp_path, "-bootstrap-expect=1", token=secret())
    nobody = dataclasses.replace(acl.agent, address=LOCAL, port=1)
    with running(open_one):
        open_one.ready("a leader", lambda: open_one.get("/v1/status/leader"))
        real = Acl(open_one)(**wanted)
        off = Acl(open_one)(check=True, **wanted)
    away = Acl(nobody)(check=True, **wanted)
    assert "ACL support disabled" in real["msg"]
    assert "Set acl.enabled" in real["msg"]
    for predicted in (off, away):
        assert (predicted["changed"], predicted["bootstrapped"]) == (True, True)
        assert actions(predicted["tokens"]) == {"web": "created"}
        assert "that is not bootstrapped" in str(predicted["warnings"])
    assert Acl(nobody)(**wanted)["failed"]
