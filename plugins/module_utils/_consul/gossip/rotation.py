# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads the keys of the gossip, and goes from one to the next. Raises ConsulError."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ..cluster.model import Member
from ..transport.client import Connection, ConsulClient
from ..transport.errors import ConsulError, Unavailable, Unreachable
from .keyring import Keyring, Plan, Pool, fingerprint, keyless, silent

# A member that does not answer costs a look seconds, one that does some tens of milliseconds.
PAUSE_SECONDS = 0.25
KEYRING = "/v1/operator/keyring"
REMEDY = "Start what is down, or have it forgotten with consul_member"


class Unencrypted(ConsulError):
    """The gossip has no keys."""


class Silent(Unavailable):
    """Not every member told which keys it has; `pools` says of which, one phrase each."""

    def __init__(self, message: str, pools: list[str]) -> None:
        """Keep the phrases for the step that waits for them."""
        super().__init__(message)
        self.pools = pools


@dataclasses.dataclass(frozen=True)
class Step:
    """One request to all members, what is missing until it is done, and what to say of that."""

    send: t.Callable[[], object]
    missing: t.Callable[[Keyring], list[str]]
    failure: str
    harm: str


class Rotation:
    """The keys behind one agent, which answers for all members."""

    def __init__(self, connection: Connection) -> None:
        """Prepare; nothing is sent yet."""
        self._url = connection.url
        self._client = ConsulClient(connection)

    def look(self) -> Keyring:
        """Who has which keys now, and who cannot be asked.

        The answer leaves out whoever is known to be down. Who came back meanwhile was down before
        it, who went meanwhile is down after it.
        """
        before, _hidden = self._failed()
        try:
            pools = self._client.get(KEYRING) or []
        except Unavailable as error:
            nodes = keyless(str(error))
            if nodes:
                raise Unencrypted(
                    f"keyring at {self._url}: the gossip of {', '.join(nodes)} is not encrypted. "
                    "Set 'encrypt' in the configuration of every agent first"
                ) from error
            found = silent(str(error))
            if found:
                raise Silent(
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
        """The members that are down, and whether the token may not see all of them."""
        members, filtered = self._client.get_seen("/v1/agent/members")
        servers = self._client.get("/v1/agent/members", wan="true")
        states = (Member.from_api(entry) for entry in [*(members or []), *(servers or [])])
        failed = {each.name for each in states if each.status == "failed"}
        return failed, filtered or not members

    def rotate(self, plan: Plan, seconds: float) -> Keyring:
        """Install, use and remove, each when what came before is true of every member."""
        key, body = plan.key, {"Key": plan.key}
        name = f"the key {fingerprint(key)}"
        install = Step(
            lambda: self._client.post(KEYRING, body),
            lambda seen: seen.uninstalled(key),
            f"{name} is not on every member",
            "It is not used: nothing is lost",
        )
        use = Step(
            lambda: self._client.put(KEYRING, body),
            lambda seen: seen.unused(key),
            f"{name} is not used by every member",
            "All others are still there: nothing is lost",
        )
        remove = Step(
            lambda: self._remove_others(key),
            lambda seen: seen.unremoved(key),
            f"{name} is not the only one",
            "Every member uses it: nothing is lost",
        )
        self._take(install, seconds)
        seen = self._take(use, seconds)
        return self._take(remove, seconds) if plan.remove else seen

    def _remove_others(self, key: str) -> None:
        """Remove what is there now: a member may have come back with another key."""
        for other in sorted(set().union(*(pool.others(key) for pool in self.look().pools))):
            self._client.delete(KEYRING, {"Key": other})

    def _take(self, step: Step, seconds: float) -> Keyring:
        """Send until nothing is missing; ConsulError with what is at the deadline.

        The gossip carries a request once, and a member may miss it: it does no harm to ask twice.
        """
        deadline = time.monotonic() + seconds
        sent = False
        while True:
            try:
                seen = self.look()
            except Silent as error:
                lacks = error.pools
            else:
                lacks = step.missing(seen)
                if not lacks:
                    return seen
            if sent and time.monotonic() >= deadline:
                raise ConsulError(
                    f"keyring at {self._url}: after {seconds:g} s {step.failure}: "
                    f"{'; '.join(lacks)}. {step.harm}. {REMEDY}, and run this again"
                )
            # What it says of members that refuse or do not answer, the next look says too.
            with contextlib.suppress(Unavailable, Unreachable):
                step.send()
            sent = True
            time.sleep(PAUSE_SECONDS)
