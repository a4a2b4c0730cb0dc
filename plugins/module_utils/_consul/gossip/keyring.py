# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Gossip encryption keys: which members have them, and the plan to another key. No I/O."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import re
import typing as t

from ..._base.plan import Diff
from ..transport.errors import ConsulError

# AES-128, AES-192 and AES-256.
_LENGTHS = (16, 24, 32)
_COUNT = re.compile(r"(?:(WAN)|(\S+) \(LAN\))[^*]*? error: (\d+)/(\d+) nodes reported (\w+)")
_NOT_ENCRYPTED = re.compile(r"\* (\S+): [^*]*\(encryption not enabled\)")


@dataclasses.dataclass(frozen=True)
class Pool:
    """A gossip pool: the number of members, and how many have each key, or use it as primary."""

    name: str
    members: int
    keys: t.Mapping[str, int] = dataclasses.field(repr=False)
    primary: t.Mapping[str, int] = dataclasses.field(repr=False)

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Pool:
        """Read an entry of /v1/operator/keyring."""
        segment = entry.get("Segment") or ""
        return cls(
            name=_pool_name(entry["WAN"], f"{entry['Datacenter']} {segment}".strip()),
            members=entry["NumNodes"],
            keys=dict(entry.get("Keys") or {}),
            primary=dict(entry.get("PrimaryKeys") or {}),
        )

    def others(self, key: str) -> set[str]:
        """The keys that are not this one."""
        return {*self.keys, *self.primary} - {key}

    def shown(self) -> dict[str, t.Any]:
        """The pool in a diff and a result, with the fingerprints of the keys."""
        return {
            "name": self.name,
            "members": self.members,
            "gossip_keys": sorted(
                (
                    {
                        "fingerprint": fingerprint(key),
                        "members": self.keys.get(key, 0),
                        "primary": self.primary.get(key, 0),
                    }
                    for key in {*self.keys, *self.primary}
                ),
                key=lambda each: str(each["fingerprint"]),
            ),
        }


@dataclasses.dataclass(frozen=True)
class Keyring:
    """The keys of all pools at one moment.

    `failed` are members that are down: they are not counted in a pool, and miss every key change.
    `hidden` is whether the ACL token may not read all members.
    """

    pools: tuple[Pool, ...] = ()
    failed: tuple[str, ...] = ()
    hidden: bool = False

    def uninstalled(self, key: str) -> list[str]:
        """Why the key cannot become the primary key yet, one phrase each."""
        return [
            *(f"{text} have it" for text in self._short(key, "keys")),
            *(f"{name} is failed" for name in self.failed),
        ]

    def unused(self, key: str) -> list[str]:
        """Why other keys cannot be removed yet, one phrase each."""
        return self.uninstalled(key) + [f"{text} use it" for text in self._short(key, "primary")]

    def unremoved(self, key: str) -> list[str]:
        """The pools with other keys, one phrase each."""
        return [f"{pool.name}: there are other keys" for pool in self.pools if pool.others(key)]

    def _short(self, key: str, what: str) -> list[str]:
        """The pools in which not every member has it among its keys, or as its primary key."""
        counted = [(pool, getattr(pool, what).get(key, 0)) for pool in self.pools]
        return [
            f"{pool.name}: {count} of {pool.members} members"
            for pool, count in counted
            if count < pool.members
        ]


@dataclasses.dataclass(frozen=True)
class KeyringPlan:
    """The steps to the wanted key, and the pools afterwards."""

    key: str = dataclasses.field(repr=False)
    diff: Diff
    install: bool = False
    use: bool = False
    remove: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    after: tuple[Pool, ...] = ()


def plan_keyring(key: str, seen: Keyring, *, purge: bool) -> KeyringPlan:
    """The steps and the diff, from one comparison.

    Raises ConsulError for a change if the token may not read all members.
    """
    after = tuple(_with(pool, key, purge) for pool in seen.pools)
    diff = Diff(*({pool.name: pool.shown() for pool in pools} for pools in (seen.pools, after)))
    if diff.changed and seen.hidden:
        raise ConsulError(
            "the token lacks node:read, so a failed member that would miss the key change may be "
            'hidden: nothing was changed. Grant the ACL token node_prefix "" with the policy read'
        )
    return KeyringPlan(
        key=key,
        diff=diff,
        install=any(pool.keys.get(key, 0) < pool.members for pool in seen.pools),
        use=any(pool.primary.get(key, 0) < pool.members for pool in seen.pools),
        remove=tuple(sorted(set().union(*(pool.others(key) for pool in seen.pools))))
        if purge
        else (),
        after=after,
    )


def key_of(text: str) -> str:
    """A key as Consul lists it; ConsulError, which does not contain it, for an invalid one."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _LENGTHS:
        raise ConsulError(
            "key is not a gossip encryption key: base64 of 16, 24 or 32 bytes, such as "
            "'consul keygen' prints"
        )
    return base64.b64encode(key).decode()


def fingerprint(key: str) -> str:
    """The fingerprint of a key, which may be shown."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def members_without_encryption(text: str) -> list[str]:
    """The members without gossip encryption, from an error of /v1/operator/keyring."""
    return sorted(set(_NOT_ENCRYPTED.findall(text)))


def pools_without_answers(text: str) -> list[str]:
    """The pools in which not all members answered, one phrase each, from such an error."""
    return [
        f"{_pool_name(wan, datacenter)}: {count} of {members} members answered"
        for wan, datacenter, count, members, word in _COUNT.findall(text)
        if word == "success"
    ]


def _pool_name(wan: object, datacenter: str) -> str:
    """The name of the LAN pool of a datacenter, or of the WAN pool of all servers."""
    return "WAN" if wan else f"LAN of {datacenter}"


def _with(pool: Pool, key: str, purge: bool) -> Pool:
    """A pool after all steps."""
    whole = {key: pool.members}
    return dataclasses.replace(pool, keys=whole if purge else {**pool.keys, **whole}, primary=whole)
