"""A secure cluster: each token may do what it needs, and everything else is denied."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from rollcall_agents.agent import Answer
from rollcall_agents.polling import eventually
from rollcall_agents.secure_cluster import SERVER, SecureCluster, secure_cluster

from .rights import CALLS, EVERYBODY, STRANGERS, WORLD, Call, Request

CASES = [(who, call) for call in CALLS for who in EVERYBODY if who not in call.spared]
# How Consul says no where it does not answer 403.
REFUSALS = (
    *("Permission denied", "ACL not found"),
    *("Scripts are disabled on this agent", "Must be bound to a session"),
)


@dataclasses.dataclass(frozen=True)
class World:
    """The cluster with something in it, and what it was like before anybody asked."""

    cluster: SecureCluster
    was: dict[str, Any]

    def ask(self, who: str, call: Call) -> Answer:
        """What an agent answers to somebody, once what the call needs is there.

        A node's agent deregisters, once a minute, what is written of its node and not its own.
        Where that comes between the two, it is written again.
        """
        for _ in range(3):
            self.boss(call.at, call.before)
            answer = self._ask(who, call)
            if "Unknown service ID" not in answer.text:
                break
        return answer

    def _ask(self, who: str, call: Call) -> Answer:
        agent = self.cluster.by(self._secret(who), call.at)
        if not call.endless:
            return agent.ask(*call.request)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(agent.ask, *call.request, endless=True)
            # It begins to answer once it has something to log: that somebody else asks.
            eventually("an answer", lambda: self._other_word(call.at) and asked.done())
            return asked.result()

    def _other_word(self, at: str) -> bool:
        return bool(self.cluster.agents[at].get("/v1/agent/self"))

    def boss(self, at: str, request: Request | None) -> None:
        """What is done, whoever may not."""
        if request:
            self.cluster.agents[at].call(*request)

    def _secret(self, who: str) -> str:
        if who in STRANGERS:
            return "" if who == "nobody" else str(uuid.uuid4())
        return self.cluster.secrets.token(who)


def state(cluster: SecureCluster) -> dict[str, Any]:
    """All that somebody could have changed, by where it is read."""
    first = cluster.agents[SERVER]
    paths = (
        *("acl/tokens", "acl/policies", "acl/roles", "acl/auth-methods", "query", "kv/?keys"),
        *("config/service-defaults", "config/proxy-defaults", "connect/intentions"),
        *("status/peers", "operator/keyring", "peerings"),
    )
    found = {path: first.get(f"/v1/{path}") for path in paths}
    for node, agent in cluster.agents.items():
        listed = first.get(f"/v1/catalog/node-services/{node}")["Services"]
        found[node] = {each["ID"] for each in listed}, set(agent.get("/v1/agent/services"))
    return found


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all cases: each leaves it as it was."""
    with secure_cluster(tmp_path_factory.mktemp("closed")) as cluster:
        for at, (verb, path, body) in WORLD:
            cluster.agents[at].call(verb, path, body)
        yield World(cluster, state(cluster))


@pytest.mark.parametrize(
    ("who", "call"), CASES, ids=[f"{who} asks to {call.what}" for who, call in CASES]
)
def test_nobody_may_do_more_than_the_table_says(world: World, who: str, call: Call) -> None:
    """Nor less. Denied is a refusal, or an answer that lacks what is asked for."""
    try:
        answer = world.ask(who, call)
    finally:
        world.boss(call.at, call.after)
    told = f"{answer.status}: {answer.text[:500]}"
    if who in call.may + call.along:
        assert call.shows in answer.text, told
        assert call.shows or answer.status == 200, told
    else:
        assert not call.shows or call.shows not in answer.text, told
        refused = answer.status == 403 or any(each in answer.text for each in REFUSALS)
        assert refused or (call.shows and answer.status in (200, 404)), told


def test_what_was_denied_has_not_happened(world: World) -> None:
    """After all of it, rights, keys, services and members are what they were."""
    now = state(world.cluster)
    assert {path: value for path, value in now.items() if value != world.was[path]} == {}


def test_the_table_is_large_and_names_nothing_twice() -> None:
    """The proof is as good as what it asks."""
    assert len(CASES) > 900
    assert len({call.what for call in CALLS}) == len(CALLS)


def test_who_reads_tokens_reads_no_secret(world: World) -> None:
    """An operator sees what tokens are for, and not what they are."""
    secrets = world.cluster.secrets
    operator = world.cluster.by(secrets.token("operator"), SERVER)
    listed = operator.ask("GET", "/v1/acl/tokens").text
    assert "rollcall: dns" in listed
    shown = [
        path.name for path in (secrets.folder / "tokens").iterdir() if path.read_text() in listed
    ]
    assert shown == []
