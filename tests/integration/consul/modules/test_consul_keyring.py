"""The module consul_keyring on real agents that encrypt: every promise of its documentation."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept, documented
from rollcall_agents.agent import FAST_FAILURE_DETECTION, LOCAL, OTHER, THIRD, Agent, free_ports
from rollcall_agents.clusters import (
    NO_FAILURE_DETECTION,
    STABLE_LEADERSHIP,
    client,
    guarded,
    joining,
    running,
    server,
    token_with,
)

from ..conftest import ask

NAME = "consul_keyring"
MODULE = f"rollcall.discovery.{NAME}"
KEYRING = "/v1/operator/keyring"
# As the agents' LAN pool here: a dead server is found in seconds.
WAN = ("-hcl", f'gossip_wan {{ gossip_interval = "100ms" {FAST_FAILURE_DETECTION} }}')
Options = dict[str, Any]


def new_key(length: int = 32) -> str:
    """A key that nobody has yet."""
    return base64.b64encode(os.urandom(length)).decode()


def shown(key: str) -> str:
    """A key's fingerprint."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Two servers with a WAN pool, and a client; the module is asked at the client."""

    one: Agent
    two: Agent
    three: Agent

    @property
    def every(self) -> tuple[Agent, ...]:
        """All members."""
        return self.one, self.two, self.three

    def keys(self) -> dict[str, Any]:
        """By Consul's own word: of each pool its keys, its primary ones and its members."""
        return {
            "WAN" if pool["WAN"] else "LAN": (
                pool["Keys"],
                pool["PrimaryKeys"],
                pool["NumNodes"],
            )
            for pool in self.one.get(KEYRING)
        }

    def sees(self, status: int, count: int = 3) -> bool:
        """Whether the first server has so many members of this status in its gossip."""
        members = self.one.get("/v1/agent/members")
        return sum(each["Status"] == status for each in members) == count


def rotate(agent: Agent, key: str, *, check: bool = False, **options: Any) -> Options:
    """What the module returns; no key of the cluster is in it."""
    modes = {"_ansible_check_mode": check, "_ansible_diff": True}
    secrets = {key, *_kept(agent)}
    result = ask(MODULE, {"url": agent.url, "token": agent.token, "key": key, **modes, **options})
    assert "invocation" in result
    secrets |= _kept(agent)
    assert not [each for each in secrets if each in json.dumps(result)]
    return result


def _kept(agent: Agent) -> set[str]:
    """The keys in an agent's data, which it need not be asked for."""
    return {
        key
        for path in (agent.folder / "data" / "serf").glob("*.keyring")
        for key in json.loads(path.read_text())
    }


def done(cluster: Cluster, key: str, **options: Any) -> Options:
    """What the module did, as it had foreseen; a second run finds nothing to do."""
    was = cluster.keys()
    predicted = rotate(cluster.three, key, check=True, **options)
    assert cluster.keys() == was
    result = rotate(cluster.three, key, **options)
    assert not result.get("failed"), result["msg"]
    for name in (*documented(NAME, "RETURN"), "changed", "diff"):
        assert predicted[name] == result[name], name
    assert (result["diff"]["before"] == result["diff"]["after"]) is not result["changed"]
    is_now = cluster.keys()
    again = rotate(cluster.three, key, **options)
    assert (again["changed"], cluster.keys()) == (False, is_now)
    return result


@pytest.fixture(scope="module", name="_cluster")
def _cluster_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The three agents, which begin with one key."""
    folder = tmp_path_factory.mktemp("keyring")
    encrypted = f"-encrypt={new_key()}"
    ports, wide = free_ports(2), free_ports(2)
    places = joining(f"{LOCAL}:{ports[0]}")
    servers = [
        server(
            *(name, folder, encrypted, "-bootstrap-expect=2", f"-serf-lan-port={port}", *places),
            *("-hcl", f"ports {{ serf_wan = {far} }}", *WAN, *STABLE_LEADERSHIP),
            address=address,
        )
        for name, address, port, far in zip(("s1", "s2"), (LOCAL, OTHER), ports, wide, strict=True)
    ]
    reader = client("c1", folder, encrypted, *places, address=THIRD)
    with running(*servers, reader):
        yield Cluster(*servers, reader)


@pytest.fixture(name="cluster")
def _whole_cluster(_cluster: Cluster) -> Cluster:
    """All three members, alive; whatever keys they have, every pool has the same."""
    for each in _cluster.every:
        if each.process is None:
            each.launch()
    _cluster.one.ready("all members", lambda: _cluster.sees(1), 60)
    _cluster.one.ready("all in both pools", lambda: _cluster.keys()["WAN"][2] == 2, 60)
    _cluster.three.ready("a leader", lambda: _cluster.three.get("/v1/status/leader"))
    return _cluster


def test_a_rotation_goes_from_the_old_key_to_the_new_one(cluster: Cluster) -> None:
    """First both are there and the new one is used, then the old one is gone, in every pool."""
    ((old,), *_) = cluster.keys()["LAN"]
    new = new_key()
    begun = done(cluster, new)
    assert (begun["installed"], begun["used"], begun["removed"]) == (True, True, [])
    assert cluster.keys() == {
        "WAN": ({old: 2, new: 2}, {new: 2}, 2),
        "LAN": ({old: 3, new: 3}, {new: 3}, 3),
    }
    ended = done(cluster, new, purge=True)
    assert (ended["installed"], ended["used"], ended["removed"]) == (False, False, [shown(old)])
    assert cluster.keys() == {"WAN": ({new: 2}, {new: 2}, 2), "LAN": ({new: 3}, {new: 3}, 3)}
    whole = {"fingerprint": shown(new), "members": 3, "primary": 3}
    assert ended["fingerprint"] == shown(new)
    assert {"name": "LAN of dc1", "members": 3, "gossip_keys": [whole]} in ended["pools"]
    assert cluster.sees(1)
    assert_kept("consul_keyring", [begun, ended])


@pytest.mark.parametrize("length", [16, 24, 32])
def test_one_call_does_all_of_it(cluster: Cluster, length: int) -> None:
    """With purge, whatever the length of the key."""
    ((old,), *_) = cluster.keys()["LAN"]
    new = new_key(length)
    result = done(cluster, new, purge=True)
    assert (result["installed"], result["used"], result["removed"]) == (True, True, [shown(old)])
    assert cluster.keys() == {"WAN": ({new: 2}, {new: 2}, 2), "LAN": ({new: 3}, {new: 3}, 3)}


def test_every_example_runs(cluster: Cluster) -> None:
    """EXAMPLES stand as they are but for the agent's port and the key."""
    text = yaml.safe_dump(documented(NAME, "EXAMPLES"))
    text = text.replace("http://127.0.0.1:8500", cluster.three.url)
    examples = yaml.safe_load(text.replace("{{ gossip_key }}", new_key()))
    results = [ask(MODULE, task[MODULE]) for task in examples]
    assert [(each["changed"], bool(each["removed"])) for each in results] == [
        (True, False),
        (True, True),
    ]


def test_what_was_begun_elsewhere_is_ended(cluster: Cluster) -> None:
    """Of two keys that are installed already, one is used, and then alone."""
    ((old,), *_) = cluster.keys()["LAN"]
    new = new_key()
    cluster.one.call("POST", KEYRING, {"Key": new})
    result = done(cluster, new, purge=True)
    assert (result["installed"], result["used"], result["removed"]) == (False, True, [shown(old)])


@pytest.mark.parametrize("known", [False, True], ids=["it just went silent", "it is failed"])
def test_a_member_that_is_down_stops_it_before_the_key_is_used(
    cluster: Cluster, known: bool
) -> None:
    """Whether the gossip knows it yet or not; it comes back, and understands the others."""
    ((old,), *_) = cluster.keys()["LAN"]
    new = new_key()
    cluster.two.kill()
    if known:
        cluster.one.ready("its loss", lambda: cluster.sees(4, 1))
    result = rotate(cluster.one, new, purge=True, wait_timeout=4)
    assert result["failed"]
    assert "no member is cut off" in result["msg"] or "Nothing was changed" in result["msg"]
    assert len(result["msg"]) < 400
    if known:
        assert "s2 is failed" in result["msg"]
        assert f"the key {shown(new)} is not installed on every member" in result["msg"]
    cluster.two.launch()
    cluster.one.ready("all members", lambda: cluster.sees(1), 60)
    for keys, primary, members in cluster.keys().values():
        assert (primary, keys[old]) == ({old: members}, members)
    ended = rotate(cluster.one, new, purge=True)
    assert (ended["changed"], ended["removed"]) == (True, [shown(old)])
    assert cluster.sees(1)


def test_a_member_that_does_not_answer_is_counted(tmp_path: pathlib.Path) -> None:
    """The pool is named, with how many of how many; a process that hangs is no dead one."""
    encrypted = f"-encrypt={new_key()}"
    one = server("s1", tmp_path, encrypted, "-bootstrap-expect=1", *NO_FAILURE_DETECTION)
    joins = joining(one.gossip)
    two = client("c1", tmp_path, encrypted, *joins, address=OTHER)
    three = client("c2", tmp_path, encrypted, *joins, address=THIRD)
    with running(one, two, three):
        one.ready("all members", lambda: len(one.get("/v1/catalog/nodes")) == 3)
        assert three.process is not None
        os.kill(three.process.pid, signal.SIGSTOP)
        result = rotate(one, new_key(), wait_timeout=0)
    assert "LAN of dc1: 2 of 3 members answered. Nothing was changed" in result["msg"]
    assert "consul_member" in result["msg"]


def test_a_member_that_comes_back_in_time_is_waited_for(cluster: Cluster) -> None:
    """It gets the key that the others got meanwhile, and only then all use it."""
    new = new_key()
    cluster.two.kill()
    cluster.one.ready("its loss", lambda: cluster.sees(4, 1))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        # Longer than the member is given to come back.
        waiting = pool.submit(rotate, cluster.one, new, purge=True, wait_timeout=180)
        cluster.one.ready("the key at the first", lambda: new in cluster.keys()["LAN"][0])
        assert new not in cluster.keys()["LAN"][1]
        cluster.two.launch()
        cluster.two.ready("its return", lambda: cluster.sees(1), 120)
        result = waiting.result()
    assert not result.get("failed"), result["msg"]
    assert cluster.keys() == {"WAN": ({new: 2}, {new: 2}, 2), "LAN": ({new: 3}, {new: 3}, 3)}


# Mistakes, and rights


@pytest.mark.parametrize("key", ["canary", "Y2FuYXJ5", "", "a" * 43, "Y2FuYXJ5IQ==\n#"])
def test_what_is_no_key_is_refused(key: str) -> None:
    """Before anything is asked, and without repeating it."""
    result = ask(MODULE, {"key": key, "url": "http://127.0.0.1:1"})
    assert "key is not a gossip encryption key: base64 of 16, 24 or 32 bytes" in result["msg"]
    assert not key or key not in json.dumps(result)


def test_a_gossip_that_is_not_encrypted_is_told(tmp_path: pathlib.Path) -> None:
    """In check mode its configuration may not be written yet, as with one that is not there."""
    agent = server("open", tmp_path, "-bootstrap-expect=1")
    with running(agent):
        agent.ready("a leader", lambda: agent.get("/v1/status/leader"))
        real = rotate(agent, new_key(), wait_timeout=0)
        off = rotate(agent, new_key(), check=True)
    away = ask(MODULE, {"key": new_key(), "url": agent.url, "_ansible_check_mode": True})
    assert f"keyring at {agent.url}: gossip encryption is disabled on open" in real["msg"]
    for predicted in (off, away):
        assert (predicted["changed"], predicted["pools"]) == (False, [])
        assert "for agents that start with this key" in str(predicted["warnings"])
    assert ask(MODULE, {"key": new_key(), "url": agent.url, "wait_timeout": 0})["failed"]


def test_a_token_that_does_not_see_who_is_down_changes_nothing(tmp_path: pathlib.Path) -> None:
    """It learns that nothing is to be done; for more it needs node:read, and keyring:write."""
    key = new_key()
    with guarded(tmp_path, f"-encrypt={key}") as agent:
        blind = dataclasses.replace(agent, token=token_with(agent, 'keyring = "write"'))
        rules = 'keyring = "read" node_prefix "" { policy = "read" }'
        reader = dataclasses.replace(agent, token=token_with(agent, rules))
        results = [rotate(each, key) for each in (blind, reader)]
        assert [each["changed"] for each in results] == [False, False]
        assert "the token lacks node:read" in rotate(blind, new_key())["msg"]
        assert "lacks permission 'keyring:write'" in rotate(reader, new_key())["msg"]
        nobody = dataclasses.replace(agent, token="")
        assert "Give an ACL token" in rotate(nobody, key)["msg"]
        assert list(agent.get(KEYRING)[0]["Keys"]) == [key]
