# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The plan from the actual ACL system to the wanted one. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._base.plan import Diff
from ..transport.errors import ConsulError
from .model import ANONYMOUS, BUILT_IN, HIDDEN, MANAGEMENT, Policy, Token, WantedAcl

Subject = t.TypeVar("Subject", Policy, Token)


@dataclasses.dataclass(frozen=True)
class ActualAcl:
    """The names of all policies, the wanted ones with their rules, and all tokens.

    `own` is the accessor ID of the token of the call, empty if it is none of these. `fresh` is
    whether the system was not bootstrapped when the call began.
    """

    names: frozenset[str] = frozenset()
    policies: t.Mapping[str, Policy] = dataclasses.field(default_factory=dict)
    tokens: tuple[Token, ...] = ()
    own: str = ""
    fresh: bool = False

    @classmethod
    def untouched(cls, wanted: WantedAcl) -> ActualAcl:
        """The state right after a bootstrap, which creates the token of the call."""
        first = Token("", "Bootstrap Token (Global Management)", (MANAGEMENT,), secret=wanted.token)
        return cls(
            names=frozenset(BUILT_IN),
            tokens=(first,) if wanted.bootstrap else (),
            fresh=wanted.bootstrap,
        )


@dataclasses.dataclass(frozen=True)
class AclStep(t.Generic[Subject]):
    """The change of one policy or token: the `subject` is the wanted, or the stale one."""

    subject: Subject
    before: Subject | None
    after: Subject | None

    @property
    def action(self) -> str:
        """The step in one word."""
        if self.before == self.after:
            return "unchanged"
        if self.before is None:
            return "created"
        return "deleted" if self.after is None else "updated"


@dataclasses.dataclass(frozen=True)
class AclPlan:
    """The steps from the actual to the wanted state. `kept` is stale, but the token of the call."""

    diff: Diff
    bootstrap: bool
    policies: tuple[AclStep[Policy], ...]
    tokens: tuple[AclStep[Token], ...]
    anonymous: AclStep[Token] | None = None
    kept: Token | None = None


def plan_acl(wanted: WantedAcl, actual: ActualAcl) -> AclPlan:
    """The steps and the diff, from one comparison.

    Raises ConsulError for what Consul would reject after the first changes.
    """
    seen = {token.accessor: token for token in actual.tokens}
    _validate_links(wanted, actual)
    _validate_tokens(wanted, actual)
    stale = _stale(wanted, actual)
    policies = tuple(
        AclStep(each, actual.policies.get(each.name), None if wanted.absent else each)
        for each in wanted.policies
    )
    tokens = (
        *(
            _leaving(each, actual)
            if wanted.absent
            else AclStep(each, seen.get(each.accessor), each)
            for each in wanted.tokens
        ),
        *(AclStep(each, each, None) for each in stale if each.accessor != actual.own),
    )
    anonymous = _anonymous(wanted, seen)
    every = (*tokens, anonymous) if anonymous else tokens
    sides = [
        {
            **({"bootstrapped": side == "after"} if actual.fresh else {}),
            "policies": {each.name: each.shown() for each in _there(policies, side)},
            "tokens": {each.accessor: each.shown() for each in _there(every, side)},
        }
        for side in ("before", "after")
    ]
    return AclPlan(
        diff=Diff(*sides),
        bootstrap=actual.fresh,
        policies=policies,
        tokens=tokens,
        anonymous=anonymous,
        kept=next((each for each in stale if each.accessor == actual.own), None),
    )


def _there(steps: t.Iterable[AclStep[Subject]], side: str) -> t.Iterator[Subject]:
    """The policies or tokens on one side of the steps, `before` or `after`."""
    return filter(None, (getattr(step, side) for step in steps))


def _leaving(token: Token, actual: ActualAcl) -> AclStep[Token]:
    """The deletion of a token, by its accessor or its secret."""
    before = next(
        (
            seen
            for seen in actual.tokens
            if seen.accessor == token.accessor or (token.secret and seen.secret == token.secret)
        ),
        None,
    )
    return AclStep(before or token, before, None)


def _stale(wanted: WantedAcl, actual: ActualAcl) -> list[Token]:
    """The tokens with an earlier secret: the name of a wanted one, and another accessor."""
    if not wanted.purge:
        return []
    descriptions = {token.description for token in wanted.tokens}
    accessors = {token.accessor for token in wanted.tokens}
    return [
        token
        for token in actual.tokens
        if token.description in descriptions and token.accessor not in accessors
    ]


def _anonymous(wanted: WantedAcl, seen: t.Mapping[str, Token]) -> AclStep[Token] | None:
    """The change of the policies of the anonymous token; its other permissions are kept."""
    if wanted.anonymous is None:
        return None
    before = seen.get(ANONYMOUS) or Token(ANONYMOUS, "Anonymous Token")
    after = dataclasses.replace(before, policies=wanted.anonymous)
    return AclStep(after, before, after)


def _validate_links(wanted: WantedAcl, actual: ActualAcl) -> None:
    """ConsulError for a token that links a policy which does not exist and is not created."""
    listed = {policy.name for policy in wanted.policies}
    known = actual.names - listed if wanted.absent else actual.names | listed
    links = [] if wanted.absent else [(f"token {each.name}", each) for each in wanted.tokens]
    named = [(where, name) for where, token in links for name in token.policies]
    named += [("the anonymous token", name) for name in wanted.anonymous or ()]
    for where, name in named:
        if name not in known:
            raise ConsulError(
                f"{where} links the policy {name}, which does not exist and is not in policies: "
                "nothing was changed"
            )


def _validate_tokens(wanted: WantedAcl, actual: ActualAcl) -> None:
    """ConsulError for a secret that would have to change, or that two tokens would share."""
    for each in wanted.tokens:
        if wanted.absent:
            if _leaving(each, actual).subject.accessor == actual.own:
                raise ConsulError(
                    f"token {each.name} is the token of this call and cannot be deleted"
                )
            continue
        for seen in actual.tokens:
            if seen.secret == HIDDEN:
                continue
            same = seen.secret == each.secret
            if seen.accessor == each.accessor and not same:
                raise ConsulError(
                    f"token {each.name}: {each.accessor} is the accessor of a token with another "
                    "secret, and Consul never changes a secret: nothing was changed. Omit "
                    "accessor_id, so that the new secret gets its own accessor"
                )
            if same and seen.accessor != each.accessor:
                raise ConsulError(
                    f"the secret of token {each.name} is already used by another token, "
                    f"{seen.description!r}: nothing was changed. Generate another secret"
                )
