"""The plan from the actual ACL system to the wanted one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.model import (
    ANONYMOUS,
    Policy,
    Token,
    WantedAcl,
    accessor_of,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.plan import (
    AclPlan,
    ActualAcl,
    plan_acl,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import (
    FIRST_SECRET,
    SECRET,
    WEB_POLICY,
    WEB_TOKEN,
    answer,
)

OTHER_SECRET = "b7d8b5a2-3c55-4f62-9a37-0c1d2e3f4a5b"
RECORDED = {"policies": [WEB_POLICY], "tokens": [WEB_TOKEN]}


def actual(own: str = "", *more: Token, tokens: str = "acl-tokens") -> ActualAcl:
    """The ACL system of the recordings, and more tokens."""
    return ActualAcl(
        names=frozenset(each["Name"] for each in answer("acl-policies")),
        policies={"rollcall-web": Policy.from_api(answer("acl-policy"))},
        tokens=(*(Token.from_api(each) for each in answer(tokens)), *more),
        own=own,
    )


def plan(found: ActualAcl, **params: t.Any) -> AclPlan:
    """The plan for these options."""
    return plan_acl(WantedAcl.from_params(params, FIRST_SECRET), found)


def actions(made: AclPlan) -> list[tuple[str, str]]:
    """What becomes of each policy and token, by name."""
    steps = [(step.subject.name, step.action) for step in made.policies]
    return steps + [(step.subject.name, step.action) for step in made.tokens]


def web(**more: t.Any) -> dict[str, t.Any]:
    """The recorded token with something else."""
    return {"tokens": [{**WEB_TOKEN, **more}]}


def test_what_is_as_it_is_wanted_stays() -> None:
    """No step sends anything, and both sides of the diff are the same."""
    made = plan(actual(), **RECORDED)
    assert actions(made) == [("rollcall-web", "unchanged"), ("web", "unchanged")]
    assert not made.diff.changed
    assert not made.bootstrap


@pytest.mark.parametrize(
    "more",
    [{"rules": ""}, {"description": ""}, {"datacenters": []}, {"datacenters": ["dc1"]}],
    ids=str,
)
def test_a_policy_that_differs_is_updated(more: dict[str, t.Any]) -> None:
    """Each of its parts counts."""
    made = plan(actual(), policies=[{**WEB_POLICY, **more}])
    assert actions(made) == [("rollcall-web", "updated")]
    assert made.diff.changed


@pytest.mark.parametrize(
    "more",
    [
        {"policies": []},
        {"policies": ["rollcall-web", "global-management"]},
        {"node_identities": []},
        {"node_identities": [{"node": "node-1", "datacenter": "dc2"}]},
    ],
    ids=str,
)
def test_a_token_that_differs_is_updated(more: dict[str, t.Any]) -> None:
    """Each of its rights counts."""
    made = plan(actual(), **web(**more))
    assert actions(made) == [("web", "updated")]
    assert made.diff.changed


def test_another_name_is_another_description() -> None:
    """The diff shows what the update changes, whoever wrote the description."""
    unmarked = {**answer("acl-tokens")[2], "Description": "web"}
    found = ActualAcl(names=frozenset(["rollcall-web"]), tokens=(Token.from_api(unmarked),))
    made = plan(found, **web())
    assert actions(made) == [("web", "updated")]
    assert made.diff.changed


def test_what_nobody_listed_is_left_alone() -> None:
    """Neither policies nor tokens, and not the anonymous one."""
    made = plan(actual(), purge=True)
    assert (actions(made), made.anonymous, made.diff.changed) == ([], None, False)


def test_a_bootstrap_is_part_of_the_plan() -> None:
    """Nothing is there yet but what Consul brings, and all is created."""
    asked = WantedAcl.from_params({**RECORDED, "bootstrap": True}, FIRST_SECRET)
    made = plan_acl(asked, ActualAcl.untouched(asked))
    assert made.bootstrap
    assert actions(made) == [("rollcall-web", "created"), ("web", "created")]
    assert (made.diff.before["bootstrapped"], made.diff.after["bootstrapped"]) == (False, True)


def test_no_secret_is_in_a_diff() -> None:
    """Of tokens that are created, updated and deleted."""
    stale = Token(accessor_of(OTHER_SECRET), "rollcall: web", secret=OTHER_SECRET)
    shown = str(plan(actual("", stale), purge=True, **web(policies=[])).diff)
    for secret in (SECRET, OTHER_SECRET, FIRST_SECRET):
        assert secret not in shown


# Absent


def test_what_is_listed_is_deleted() -> None:
    """What is not there already is no change."""
    gone = [*RECORDED["tokens"], {"name": "never", "accessor_id": OTHER_SECRET}]
    made = plan(actual(), state="absent", policies=[{"name": "rollcall-web"}], tokens=gone)
    assert actions(made) == [
        ("rollcall-web", "deleted"),
        ("web", "deleted"),
        ("never", "unchanged"),
    ]
    assert made.diff.after == {"policies": {}, "tokens": {}}


def test_a_token_that_consul_has_named_is_deleted_by_its_secret() -> None:
    """As the first one of all, whose accessor nobody has chosen."""
    first = Token("1d3c9b5e-0000-4000-8000-000000000001", "Bootstrap Token", secret=OTHER_SECRET)
    named = {"name": "bootstrap", "secret_id": OTHER_SECRET}
    (step,) = plan(actual("", first), state="absent", tokens=[named]).tokens
    assert (step.subject, step.action) == (first, "deleted")


@pytest.mark.parametrize("accessor", [accessor_of(SECRET), "1d3c9b5e-0000-4000-8000-000000000001"])
def test_a_call_does_not_delete_its_own_token(accessor: str) -> None:
    """Consul would refuse it when the others are gone already; nor under Consul's name for it."""
    mine = Token(accessor, "mine", secret=SECRET)
    found = ActualAcl(tokens=(mine,), own=accessor)
    with pytest.raises(ConsulError, match="token web is the token of this call"):
        plan(found, state="absent", tokens=[WEB_TOKEN])


# Purge


def test_a_purge_deletes_earlier_tokens_of_the_same_name() -> None:
    """Not those of a longer name, nor one that somebody else called so."""
    found = actual(
        "",
        Token("old", "rollcall: web"),
        Token("longer", "rollcall: web-2"),
        Token("foreign", "web"),
    )
    assert actions(plan(found, purge=True, **web())) == [("web", "unchanged"), ("web", "deleted")]
    assert actions(plan(found, **web())) == [("web", "unchanged")]


def test_a_purge_keeps_the_token_of_the_call() -> None:
    """The plan says so, as it is stale all the same."""
    old = Token("old", "rollcall: web")
    made = plan(actual("old", old), purge=True, **web())
    assert (actions(made), made.kept) == ([("web", "unchanged")], old)
    assert plan(actual("other", old), purge=True, **web()).kept is None


# The anonymous token


@pytest.mark.parametrize(
    ("policies", "action"), [([], "unchanged"), (["global-management"], "updated")], ids=str
)
def test_the_anonymous_token_has_the_policies_that_are_given(
    policies: list[str], action: str
) -> None:
    """An empty list means none, which is what it has in the recording."""
    made = plan(actual(), anonymous_policies=policies)
    assert made.anonymous is not None
    assert (made.anonymous.action, made.anonymous.subject.accessor) == (action, ANONYMOUS)
    assert made.diff.changed is (action == "updated")


def test_other_rights_of_the_anonymous_token_are_kept() -> None:
    """Only its policies are asked for."""
    found = ActualAcl(
        names=frozenset(["a"]),
        tokens=(Token(ANONYMOUS, "Us", ("b",), (("n", "dc1"),), {"Roles": [{"Name": "r"}]}),),
    )
    made = plan(found, anonymous_policies=["a"])
    assert made.anonymous is not None
    assert made.anonymous.subject.payload() == {
        "AccessorID": ANONYMOUS,
        "Description": "Us",
        "Policies": [{"Name": "a"}],
        "NodeIdentities": [{"NodeName": "n", "Datacenter": "dc1"}],
        "Roles": [{"Name": "r"}],
        "Local": False,
    }


# Refused


@pytest.mark.parametrize(
    ("params", "where"),
    [
        (web(policies=["typo"]), "token web"),
        ({"anonymous_policies": ["typo"]}, "the anonymous token"),
    ],
)
def test_a_policy_that_nobody_has_is_named(params: dict[str, t.Any], where: str) -> None:
    """One that is listed will be there, one that exists is."""
    with pytest.raises(ConsulError, match=f"{where} links the policy typo, which does not exist"):
        plan(actual(), **params)
    assert plan(actual(), policies=[{"name": "typo"}], **params)


def test_a_policy_that_goes_is_none_to_give() -> None:
    """Tokens that go with it may name it."""
    with pytest.raises(ConsulError, match="the anonymous token links the policy rollcall-web"):
        plan(actual(), state="absent", anonymous_policies=["rollcall-web"], **RECORDED)
    assert plan(actual(), state="absent", **RECORDED)


def test_a_secret_never_changes() -> None:
    """Under an accessor that is there, it is the one that is there."""
    with pytest.raises(ConsulError, match="is the accessor of a token with another secret"):
        plan(actual(), **web(secret_id=OTHER_SECRET, accessor_id=accessor_of(SECRET)))


def test_a_secret_belongs_to_one_token() -> None:
    """Also to one that nobody listed, such as the first one of a bootstrap."""
    for secret, owner in ((SECRET, "rollcall: web"), (FIRST_SECRET, "Bootstrap Token")):
        twice = web(name="x", secret_id=secret, accessor_id=OTHER_SECRET)
        with pytest.raises(ConsulError, match=f"secret of token x is already used by .*'{owner}"):
            plan(actual(), **twice)


def test_hidden_secrets_are_not_compared() -> None:
    """A token that may only read sees that nothing is to be done."""
    assert not plan(actual(tokens="acl-tokens-hidden"), **RECORDED).diff.changed
