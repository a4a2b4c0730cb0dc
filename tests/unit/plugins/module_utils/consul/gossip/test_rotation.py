"""Which step is taken when, on the way from one key of the gossip to the next."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.gossip import (
    rotation as keyring_rotation,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.gossip.keyring import (
    plan_keyring,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.gossip.rotation import (
    KEYRING,
    GossipNotEncrypted,
    KeyringRotation,
    MembersNotAnswering,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
    Forbidden,
    Unavailable,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import KEYS, answer

OLD, NEW = KEYS


class Gossip:
    """Three members in memory, as an agent's client sees them; each misses what it is told to."""

    def __init__(self) -> None:
        """All have the old key, and use it."""
        self.keys = {name: {OLD} for name in ("a", "b", "c")}
        self.primary = dict.fromkeys(self.keys, OLD)
        self.down: set[str] = set()
        # Member and request that it does not hear, once.
        self.missed: list[tuple[str, str]] = []
        self.sent: list[str] = []
        self.refusal: ConsulError | None = None

    def get(self, path: str, **_params: str) -> t.Any:
        """The keyring's list, or the members of the WAN pool, which there is none of."""
        if path != KEYRING:
            return None
        if self.refusal:
            raise self.refusal
        up = [name for name in self.keys if name not in self.down]
        return [
            {
                "WAN": False,
                "Datacenter": "dc1",
                "NumNodes": len(up),
                "Keys": {k: n for k in KEYS if (n := sum(k in self.keys[m] for m in up))},
                "PrimaryKeys": {k: n for k in KEYS if (n := sum(k == self.primary[m] for m in up))},
            }
        ]

    def get_with_acl_filter(self, _path: str) -> tuple[t.Any, bool]:
        """The members of the LAN pool."""
        member, *_others = answer("agent-members")
        states = {name: 4 if name in self.down else 1 for name in self.keys}
        return [{**member, "Name": name, "Status": states[name]} for name in states], False

    def post(self, _path: str, body: t.Mapping[str, str]) -> None:
        """Install."""
        for name in self._hearing("install"):
            self.keys[name].add(body["Key"])

    def put(self, _path: str, body: t.Mapping[str, str]) -> None:
        """Use."""
        for name in self._hearing("use"):
            assert body["Key"] in self.keys[name]
            self.primary[name] = body["Key"]

    def delete(self, _path: str, body: t.Mapping[str, str]) -> None:
        """Remove."""
        for name in self._hearing("remove"):
            assert body["Key"] != self.primary[name]
            self.keys[name].discard(body["Key"])

    def _hearing(self, request: str) -> list[str]:
        """Who hears a request; as it is sent, nobody is locked out."""
        self.sent.append(request)
        assert all(set(self.primary.values()) <= keys for keys in self.keys.values())
        deaf = {name for name, missed in self.missed if missed == request} | self.down
        self.missed = [each for each in self.missed if each[1] != request]
        return [name for name in self.keys if name not in deaf]


@pytest.fixture
def gossip(monkeypatch: pytest.MonkeyPatch, clock: object) -> Gossip:
    """The gossip behind the agent; nothing here takes time."""
    found = Gossip()
    monkeypatch.setattr(keyring_rotation, "ConsulClient", lambda _connection: found)
    return found


def rotation() -> KeyringRotation:
    """The keys behind the agent."""
    return KeyringRotation(Connection("http://127.0.0.1:8500"))


def rotate(*, purge: bool = True, seconds: float = 60) -> None:
    """Go to the new key."""
    found = rotation()
    found.rotate(plan_keyring(NEW, found.read(), purge=purge), seconds)


def test_the_steps_are_taken_one_after_the_other(gossip: Gossip) -> None:
    """Each is sent once where every member hears it."""
    rotate()
    assert gossip.sent == ["install", "use", "remove"]
    assert gossip.keys == {name: {NEW} for name in "abc"}
    assert set(gossip.primary.values()) == {NEW}


def test_without_purge_the_old_key_stays(gossip: Gossip) -> None:
    """And what is done already is not sent again."""
    rotate(purge=False)
    assert gossip.sent == ["install", "use"]
    assert gossip.keys == {name: {OLD, NEW} for name in "abc"}
    rotate()
    assert gossip.sent == ["install", "use", "remove"]


@pytest.mark.parametrize("step", ["install", "use", "remove"])
def test_a_member_that_missed_a_step_is_asked_again(gossip: Gossip, step: str) -> None:
    """The next step waits for it."""
    gossip.missed = [("b", step)]
    rotate()
    expected = ["install", "use", "remove"]
    expected.insert(expected.index(step), step)
    assert gossip.sent == expected
    assert gossip.keys == {name: {NEW} for name in "abc"}


@pytest.mark.parametrize("installed", [False, True])
def test_no_key_is_used_while_a_member_is_down(gossip: Gossip, installed: bool) -> None:
    """Neither where the others get the key now, nor where they had it before."""
    gossip.down = {"c"}
    if installed:
        gossip.keys["a"].add(NEW)
        gossip.keys["b"].add(NEW)
    with pytest.raises(ConsulError, match="is not installed on every member: c is failed"):
        rotate(seconds=0)
    assert set(gossip.sent) == {"install"}
    assert set(gossip.primary.values()) == {OLD}


def test_a_token_that_may_not_write_is_told_at_once(
    gossip: Gossip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting would not give it the right."""
    sent: list[str] = []

    def refuse(path: str, _body: object) -> None:
        sent.append(path)
        raise Forbidden("permission denied")

    monkeypatch.setattr(gossip, "post", refuse)
    with pytest.raises(Forbidden):
        rotate()
    assert sent == [KEYRING]


def test_what_consul_says_is_told_in_its_kind(gossip: Gossip) -> None:
    """No keys at all, a silent member, or something else."""
    for text, kind in (
        (answer("keyring-off"), GossipNotEncrypted),
        (answer("keyring-silent"), MembersNotAnswering),
        ("No cluster leader", Unavailable),
    ):
        gossip.refusal = Unavailable(f"GET {KEYRING}: status 500: {' '.join(text.split())}")
        with pytest.raises(ConsulError) as raised:
            rotation().read()
        assert type(raised.value) is kind
