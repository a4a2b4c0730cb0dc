"""Who has which key of the gossip, and what leads to another one."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.gossip.keyring import (
    Keyring,
    KeyringPlan,
    Pool,
    fingerprint,
    key_of,
    members_without_encryption,
    plan_keyring,
    pools_without_answers,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import KEYS, answer

OLD, NEW = KEYS


def ring(
    recording: str = "keyring", *, failed: tuple[str, ...] = (), hidden: bool = False
) -> Keyring:
    """The keys of a recording."""
    return Keyring(tuple(Pool.from_api(each) for each in answer(recording)), failed, hidden)


def pool(keys: dict[str, int], primary: dict[str, int], members: int = 3) -> Pool:
    """A pool of three members."""
    return Pool("LAN of dc1", members, keys, primary)


def steps(plan: KeyringPlan) -> tuple[bool, bool, tuple[str, ...]]:
    """What is to be done."""
    return plan.install, plan.use, plan.remove


# The plan


def test_a_key_that_all_use_is_no_change() -> None:
    """With purge neither, where it is the only one."""
    for purge in (False, True):
        plan = plan_keyring(OLD, ring(), purge=purge)
        assert (steps(plan), plan.diff.changed) == ((False, False, ()), False)


def test_a_key_that_nobody_has_is_installed_and_used() -> None:
    """The old one stays, and is no longer the one in use."""
    plan = plan_keyring(NEW, ring(), purge=False)
    assert (steps(plan), plan.diff.changed) == ((True, True, ()), True)
    assert plan.diff.after["LAN of dc1"]["gossip_keys"] == sorted(
        [
            {"fingerprint": fingerprint(OLD), "members": 2, "primary": 0},
            {"fingerprint": fingerprint(NEW), "members": 2, "primary": 2},
        ],
        key=lambda each: str(each["fingerprint"]),
    )


def test_a_purge_removes_all_others() -> None:
    """Of a key that is installed already, the rest of the way is gone."""
    plan = plan_keyring(NEW, ring("keyring-of-two"), purge=True)
    assert steps(plan) == (False, True, (OLD,))
    assert [len(each.keys) for each in plan.after] == [1, 1]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (pool({OLD: 3, NEW: 2}, {OLD: 3}), (True, True, (OLD,))),
        (pool({OLD: 3, NEW: 3}, {OLD: 1, NEW: 2}), (False, True, (OLD,))),
        (pool({OLD: 1, NEW: 3}, {NEW: 3}), (False, False, (OLD,))),
    ],
    ids=["one lacks it", "one uses another", "one has another"],
)
def test_one_member_is_enough_for_a_step(
    seen: Pool, expected: tuple[bool, bool, tuple[str, ...]]
) -> None:
    """Every member counts, in every pool."""
    other = Pool("WAN", 1, {NEW: 1}, {NEW: 1})
    plan = plan_keyring(NEW, Keyring((other, seen)), purge=True)
    assert steps(plan) == expected
    assert plan.diff.changed


def test_nothing_is_changed_while_a_member_could_be_unseen() -> None:
    """It would keep keys that nobody understands; without a change nothing can happen."""
    with pytest.raises(ConsulError, match="lacks node:read"):
        plan_keyring(NEW, ring(hidden=True), purge=False)
    assert not plan_keyring(OLD, ring(hidden=True), purge=True).diff.changed


# What is missing


def test_a_key_is_used_once_every_member_has_it() -> None:
    """The phrase counts, and a member that is down is one that lacks it."""
    seen = Keyring((pool({OLD: 3, NEW: 2}, {OLD: 3}), Pool("WAN", 1, {NEW: 1}, {})), ("s2",))
    assert seen.uninstalled(NEW) == ["LAN of dc1: 2 of 3 members have it", "s2 is failed"]
    assert ring("keyring-of-two").uninstalled(NEW) == []


def test_others_are_removed_once_every_member_uses_it() -> None:
    """And has it, and is there."""
    seen = Keyring((pool({OLD: 3, NEW: 3}, {OLD: 1, NEW: 2}),), ("s2",))
    assert seen.unused(NEW) == ["s2 is failed", "LAN of dc1: 2 of 3 members use it"]
    assert ring().unused(OLD) == []


def test_a_key_is_the_only_one_once_no_member_has_another() -> None:
    """A single one is told."""
    assert Keyring((pool({OLD: 1, NEW: 3}, {NEW: 3}),)).unremoved(NEW) == [
        "LAN of dc1: there are other keys"
    ]
    assert ring().unremoved(OLD) == []


# Keys


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_what_consul_lists(key: str) -> None:
    """Blanks around it are nobody's, as with a token."""
    assert key_of(f" {key}\n") == key


def test_bits_that_mean_nothing_are_not_compared() -> None:
    """Consul decodes a key and encodes it anew."""
    assert key_of("QUJDREVGR0hJSktMTU5PUH==") == OLD


@pytest.mark.parametrize("text", ["", "canary", "Y2FuYXJ5", f"{OLD}{OLD}", f"{OLD[:-2]}€="])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    """Consul would say so when it has asked every member."""
    with pytest.raises(ConsulError, match="key is not a gossip encryption key") as raised:
        key_of(text)
    assert not text or text not in str(raised.value)


def test_a_fingerprint_is_what_sha256sum_says() -> None:
    """A person finds it again without us."""
    assert fingerprint(OLD) == hashlib.sha256(OLD.encode()).hexdigest()[:8]


def test_no_key_is_shown() -> None:
    """Neither in a diff nor in what Python prints."""
    seen = ring("keyring-of-two")
    plan = plan_keyring(NEW, seen, purge=True)
    for text in (plan.diff, plan, seen, [each.shown() for each in plan.after]):
        assert not [key for key in KEYS if key in str(text)]


# Errors


def test_a_gossip_without_keys_is_told_from_a_silent_member() -> None:
    """Both come with the same status, and the text alone tells."""
    off, quiet = answer("keyring-off"), answer("keyring-silent")
    assert (members_without_encryption(off), pools_without_answers(off)) == (["node-1"], [])
    assert (members_without_encryption(quiet), pools_without_answers(quiet)) == (
        [],
        ["LAN of dc1: 1 of 2 members answered"],
    )


def test_every_pool_that_lacks_an_answer_is_named() -> None:
    """As the client joins Consul's lines to one; segments are Consul Enterprise's."""
    text = (
        "2 errors occurred: * WAN error: 1/3 nodes reported success "
        "* dc2 (LAN) [segment: a] error: 4/5 nodes reported success"
    )
    assert pools_without_answers(text) == [
        "WAN: 1 of 3 members answered",
        "LAN of dc2: 4 of 5 members answered",
    ]
