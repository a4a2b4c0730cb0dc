"""Policies and tokens as values: read, refused, sent and shown."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.model import (
    Policy,
    Token,
    WantedAcl,
    accessor_of,
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

RESERVED = "00000000-0000-0000-0000-0000000000ff"
NODE = {"node": "node-1", "datacenter": "dc1"}


def wanted(token: str | None = FIRST_SECRET, **params: t.Any) -> WantedAcl:
    """What a call with these options asks for."""
    return WantedAcl.from_params(params, token)


def entry(name: str) -> dict[str, t.Any]:
    """Consul's entry of our token in a recording."""
    (found,) = [each for each in answer(name) if each["Description"] == "rollcall: web"]
    return dict(found)


# Read and sent


def test_a_policy_is_found_again_as_it_was_given() -> None:
    """Datacenters have no order."""
    assert Policy.from_api(answer("acl-policy")) == Policy.from_params(WEB_POLICY)


def test_a_token_is_found_again_as_it_was_given() -> None:
    """With its secret, or with what Consul shows instead of it."""
    own = Token.from_params(WEB_TOKEN)
    for recording in ("acl-tokens", "acl-tokens-hidden"):
        assert Token.from_api(entry(recording)) == own


@pytest.mark.parametrize(
    ("secret", "accessor"),
    [
        (SECRET, "6c2941a2-9b1d-51e2-893c-9239ba2aa683"),
        (SECRET.upper(), "fd2ad52f-9698-52c9-ab91-82d9c95f1d1e"),
        (FIRST_SECRET, "97c296e6-cc50-52f1-b810-0bee4a3595c1"),
    ],
)
def test_an_accessor_is_the_one_that_a_playbook_computes(secret: str, accessor: str) -> None:
    """What Ansible's filter to_uuid makes of these."""
    assert accessor_of(secret) == accessor
    assert Token.from_params({"name": "web", "secret_id": secret}).accessor == accessor


def test_an_accessor_that_is_given_counts() -> None:
    """Consul writes all of them in small letters."""
    params = {"name": "web", "secret_id": SECRET, "accessor_id": FIRST_SECRET.upper()}
    assert Token.from_params(params).accessor == FIRST_SECRET


def test_rights_that_no_option_gives_are_a_difference() -> None:
    """They are seen, and shown."""
    roles = [{"ID": "1", "Name": "admin"}]
    seen = Token.from_api({**entry("acl-tokens"), "Roles": roles, "ServiceIdentities": None})
    assert seen != Token.from_params(WEB_TOKEN)
    assert seen.shown()["more"] == {"Roles": roles}


def test_what_is_given_twice_is_given_once() -> None:
    """Neither order nor repetition of rights means anything."""
    policies, identities = ["b", "a", "b"], [NODE, NODE]
    token = Token.from_params(
        {"name": "w", "secret_id": SECRET, "policies": policies, "node_identities": identities}
    )
    assert (token.policies, token.node_identities) == (("a", "b"), (("node-1", "dc1"),))


def test_a_secret_is_nowhere_but_in_its_field() -> None:
    """Neither shown nor sent with an update, nor in what Python prints of it."""
    token = Token.from_params(WEB_TOKEN)
    asked = wanted(tokens=[WEB_TOKEN])
    for text in (token.shown(), token.payload(), token, asked):
        assert SECRET not in str(text)
        assert FIRST_SECRET not in str(text)


# Refused


@pytest.mark.parametrize(
    "name", ["a b", "a/b/c", "/a", "ü", "a" * 129, "", "a\n", "builtin/x", "global-management"]
)
def test_a_policy_name_that_consul_refuses_is_refused(name: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConsulError, match=r"is not a valid policy name|is built in"):
        wanted(policies=[{"name": name}])


@pytest.mark.parametrize("name", ["a", "A_b-1", "team/web", "a" * 128])
def test_a_policy_name_that_consul_takes_is_taken(name: str) -> None:
    """One slash may stand inside."""
    assert wanted(policies=[{"name": name}]).policies[0].name == name


@pytest.mark.parametrize(
    ("token", "part"),
    [
        ({"secret_id": "canary"}, "secret_id of token web is not a UUID"),
        ({"secret_id": f"{SECRET}\n"}, "secret_id of token web is not a UUID"),
        ({"secret_id": SECRET, "accessor_id": "x"}, "accessor_id of token web is not a UUID"),
        ({"secret_id": RESERVED}, "secret_id of token web is reserved by Consul"),
        ({}, "token web needs secret_id, or accessor_id"),
        ({"accessor_id": SECRET}, "token web needs a secret_id"),
        ({"name": "", "secret_id": SECRET}, "'' is not a valid token name"),
        ({"name": "a\nb", "secret_id": SECRET}, "is not a valid token name"),
        ({"name": " a", "secret_id": SECRET}, "is not a valid token name"),
        (
            {"secret_id": SECRET, "node_identities": [{**NODE, "node": "Node.1"}]},
            "token web: 'Node.1' is not a valid node of a node identity",
        ),
        (
            {"secret_id": SECRET, "node_identities": [{**NODE, "datacenter": "DC1"}]},
            "token web: 'DC1' is not a valid datacenter",
        ),
    ],
)
def test_a_token_that_cannot_be_meant_is_refused(token: dict[str, t.Any], part: str) -> None:
    """The sentence names the token, and does not repeat its secret."""
    with pytest.raises(ConsulError) as raised:
        wanted(tokens=[{"name": "web", **token}])
    assert part in str(raised.value)
    for secret in ("canary", SECRET):
        assert secret not in str(raised.value)


@pytest.mark.parametrize(
    ("second", "part"),
    [
        ({"name": "web", "secret_id": FIRST_SECRET}, "web and web have the same name"),
        ({"name": "shop", "secret_id": SECRET}, "web and shop have the same secret_id"),
        (
            {"name": "s", "secret_id": FIRST_SECRET, "accessor_id": accessor_of(SECRET)},
            "web and s have the same accessor_id",
        ),
    ],
)
def test_two_tokens_are_two(second: dict[str, t.Any], part: str) -> None:
    """Name, secret and accessor belong to one each."""
    with pytest.raises(ConsulError, match=f"the tokens {part}"):
        wanted(tokens=[WEB_TOKEN, second])


def test_two_policies_have_two_names() -> None:
    """One of the two would undo the other in every run."""
    with pytest.raises(ConsulError, match="policies contains rollcall-web twice"):
        wanted(policies=[WEB_POLICY, {"name": "other"}, WEB_POLICY])


def test_a_datacenter_of_a_policy_is_checked_too() -> None:
    """Consul takes any text, and then the policy counts nowhere."""
    with pytest.raises(ConsulError, match="policy p: 'dc 1' is not a valid datacenter"):
        wanted(policies=[{"name": "p", "datacenters": ["dc 1"]}])


@pytest.mark.parametrize(
    ("token", "part"),
    [(None, "none is given: set a UUID in token"), ("canary", "it is not a UUID")],
)
def test_a_bootstrap_needs_a_token_that_can_be_the_first(token: str | None, part: str) -> None:
    """Without this, Consul would make one up that nobody keeps."""
    with pytest.raises(ConsulError, match=part) as raised:
        wanted(token, bootstrap=True)
    assert "canary" not in str(raised.value)
    wanted(token)


def test_a_token_is_deleted_by_its_accessor_alone() -> None:
    """Whose secret is gone can still be named."""
    gone = wanted(state="absent", tokens=[{"name": "web", "accessor_id": SECRET}])
    assert (gone.absent, gone.tokens[0].accessor) == (True, SECRET)
