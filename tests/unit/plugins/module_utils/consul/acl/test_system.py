"""What an ACL system is asked, and what its answers mean."""

from __future__ import annotations

import typing as t
import urllib.parse

import pytest
import requests
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl import (
    system as acl_system,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.model import (
    Policy,
    Token,
    WantedAcl,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Forbidden,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import (
    FIRST_SECRET,
    WEB_POLICY,
    WEB_TOKEN,
    recorded,
)

POLICIES = "/v1/acl/policies"
NO_POLICY = "00000000-0000-0000-0000-000000000000"
ALL = {
    POLICIES: "acl-policies",
    f"/v1/acl/policy/{NO_POLICY}": "acl-policy",
    "/v1/acl/tokens": "acl-tokens",
    "/v1/acl/token/self": "acl-token-self",
}


class Agent:
    """Answers each path as Consul did in a recording, and keeps what it was asked."""

    def __init__(self, answers: dict[str, str]) -> None:
        """Nobody has asked yet."""
        self.answers = answers
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, **_how: t.Any) -> requests.Response:
        """Answer a request that is ready for the wire."""
        path = urllib.parse.unquote(request.path_url)
        self.asked.append(f"{request.method} {path}")
        found = recorded(self.answers[path])
        response = requests.Response()
        response.status_code = found.status
        response._content = found.text.encode()
        return response


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    """An agent with the ACL system of the recordings."""
    fake = Agent(dict(ALL))
    monkeypatch.setattr(requests.Session, "send", lambda _session, *a, **kw: fake.send(*a, **kw))
    return fake


def system() -> acl_system.AclSystem:
    """The ACL system behind the agent."""
    return acl_system.AclSystem(Connection("http://127.0.0.1:8500", FIRST_SECRET))


def wanted(**params: t.Any) -> WantedAcl:
    """What a call with these options asks for."""
    return WantedAcl.from_params(params, FIRST_SECRET)


def test_all_that_a_plan_needs_is_asked_and_no_more(agent: Agent) -> None:
    """Rules are read of the policies that are listed."""
    found = system().read(wanted(policies=[WEB_POLICY, {"name": "new"}]))
    assert sorted(agent.asked) == sorted(f"GET {path}" for path in ALL)
    assert found.names == {"rollcall-web", "global-management", "builtin/global-read-only"}
    assert found.policies == {"rollcall-web": Policy.from_params(WEB_POLICY)}
    assert Token.from_params(WEB_TOKEN) in found.tokens
    assert (found.own, found.fresh) == (NO_POLICY, False)
    agent.asked.clear()
    system().read(wanted())
    assert not [each for each in agent.asked if "/policy/" in each]


def test_who_has_no_token_of_the_list_is_nobody_there(agent: Agent) -> None:
    """Such as the one that a server has for itself."""
    agent.answers["/v1/acl/token/self"] = "acl-unknown"
    assert system().read(wanted()).own == ""


def test_an_untouched_system_is_bootstrapped_on_request_only(agent: Agent) -> None:
    """The look itself writes nothing."""
    agent.answers = {POLICIES: "acl-untouched"}
    assert system().read(wanted(bootstrap=True)).fresh
    with pytest.raises(ConsulError, match="is not bootstrapped: set 'bootstrap: true'"):
        system().read(wanted())
    assert agent.asked == [f"GET {POLICIES}"] * 2


def test_a_token_that_consul_does_not_know_is_told_from_an_untouched_system(agent: Agent) -> None:
    """Who wants to bootstrap learns how to reset, all others to check the token."""
    agent.answers = {POLICIES: "acl-unknown"}
    with pytest.raises(acl_system.UnknownToken, match=r"already bootstrapped.*at .*/acl/reset"):
        system().read(wanted(bootstrap=True))
    with pytest.raises(acl_system.UnknownToken, match="does not know this ACL token: check it"):
        system().read(wanted())


def test_a_token_that_may_not_look_is_told_which_right_it_lacks(agent: Agent) -> None:
    """It is known, and no reason to reset anything."""
    agent.answers = {POLICIES: "powerless-register"}
    with pytest.raises(Forbidden, match="lacks permission"):
        system().read(wanted(bootstrap=True))
