# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads the gossip encryption keys, and rotates them. Raises ConsulError."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..._base.polling import poll
from ..cluster.model import Member
from ..transport.client import Connection, ConsulClient
from ..transport.errors import ConsulError, Unavailable, Unreachable
from .keyring import (
    Keyring,
    KeyringPlan,
    Pool,
    fingerprint,
    members_without_encryption,
    pools_without_answers,
)

KEYRING = "/v1/operator/keyring"
REMEDY = "Start the failed members, or remove them with consul_member"


class GossipNotEncrypted(ConsulError):
    """Gossip encryption is disabled."""


class MembersNotAnswering(Unavailable):
    """Not every member reported its keys; `pools` has one phrase for each such pool."""

    def __init__(self, message: str, pools: list[str]) -> None:
        """Keep the phrases for the step that waits for these members."""
        super().__init__(message)
        self.pools = pools


@dataclasses.dataclass(frozen=True)
class RotationStep:
    """One request to all members, what is missing until it is done, and the error for that."""

    send: t.Callable[[], object]
    missing: t.Callable[[Keyring], list[str]]
    failure: str
    harm: str


class KeyringRotation:
    """The keys of a cluster, read and changed through one agent."""

    def __init__(self, connection: Connection) -> None:
        """Prepare; nothing is sent yet."""
        self._url = connection.url
        self._client = ConsulClient(connection)

    def read(self) -> Keyring:
        """The keys of every pool, and the members that are down.

        The answer omits members that are known to be down. So the members are read before and
        after it: one that failed or came back in between is found in one of the two.
        """
        before, _hidden = self._failed()
        try:
            pools = self._client.get(KEYRING) or []
        except Unavailable as error:
            nodes = members_without_encryption(str(error))
            if nodes:
                raise GossipNotEncrypted(
                    f"keyring at {self._url}: gossip encryption is disabled on {', '.join(nodes)}. "
                    "Set 'encrypt' in the configuration of every agent first"
                ) from error
            found = pools_without_answers(str(error))
            if found:
                raise MembersNotAnswering(
                    f"keyring at {self._url}: {'; '.join(found)}. Nothing was changed. {REMEDY}",
                    found,
                ) from error
            raise
        after, hidden = self._failed()
        return Keyring(
            pools=tuple(Pool.from_api(entry) for entry in pools),
            failed=tuple(sorted(before | after)),
            hidden=hidden,
        )

    def _failed(self) -> tuple[set[str], bool]:
        """The members that are down, and whether the token may not read all members."""
        members, filtered = self._client.get_with_acl_filter("/v1/agent/members")
        servers = self._client.get("/v1/agent/members", wan="true")
        states = (Member.from_api(entry) for entry in [*(members or []), *(servers or [])])
        failed = {each.name for each in states if each.status == "failed"}
        return failed, filtered or not members

    def rotate(self, plan: KeyringPlan, seconds: float) -> Keyring:
        """Install, use and remove, each once the previous step is done on every member."""
        key, body = plan.key, {"Key": plan.key}
        name = f"the key {fingerprint(key)}"
        install = RotationStep(
            lambda: self._client.post(KEYRING, body),
            lambda seen: seen.uninstalled(key),
            f"{name} is not installed on every member",
            "It is not the primary key yet: no member is cut off",
        )
        use = RotationStep(
            lambda: self._client.put(KEYRING, body),
            lambda seen: seen.unused(key),
            f"{name} is not the primary key of every member",
            "The other keys are still installed: no member is cut off",
        )
        remove = RotationStep(
            lambda: self._remove_others(key),
            lambda seen: seen.unremoved(key),
            f"{name} is not the only key",
            "Every member uses it: no member is cut off",
        )
        self._take(install, seconds)
        seen = self._take(use, seconds)
        return self._take(remove, seconds) if plan.remove else seen

    def _remove_others(self, key: str) -> None:
        """Remove the keys that exist now: a member may have come back with another one."""
        for other in sorted(set().union(*(pool.others(key) for pool in self.read().pools))):
            self._client.delete(KEYRING, {"Key": other})

    def _take(self, step: RotationStep, seconds: float) -> Keyring:
        """Send until nothing is missing; ConsulError with what is missing at the deadline.

        A gossip query reaches each member once, and a member may miss it: repeating is harmless.
        """

        def look() -> tuple[Keyring, list[str]]:
            try:
                keyring = self.read()
            except MembersNotAnswering as error:
                return Keyring(), error.pools
            return keyring, step.missing(keyring)

        def send_and_look() -> tuple[Keyring, list[str]]:
            # The next look reports members that refuse or do not answer as well.
            with contextlib.suppress(Unavailable, Unreachable):
                step.send()
            return look()

        found = look()
        if found[1]:
            found = poll(
                send_and_look,
                lambda each: each[1],
                seconds,
                failure=lambda _found, lacks: ConsulError(
                    f"keyring at {self._url}: after {seconds:g} s {step.failure}: "
                    f"{'; '.join(lacks)}. {step.harm}. {REMEDY}, and run this again"
                ),
            )
        return found[0]
