# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Consul's ACL system: reads it, bootstraps it and applies a plan. Raises ConsulError."""

from __future__ import annotations

import dataclasses
import re

from ..transport.client import Connection, ConsulClient
from ..transport.errors import (
    ConsulError,
    Forbidden,
    NotBootstrapped,
    RequestRefused,
    TokenNotFound,
)
from .model import Policy, Token, WantedAcl
from .plan import AclPlan, ActualAcl

RESET = "https://developer.hashicorp.com/consul/docs/secure/acl/reset"


class AclDisabled(ConsulError):
    """ACLs are disabled on the agent."""


class UnknownToken(ConsulError):
    """The ACL system is bootstrapped, and Consul does not know the token of the call."""


class AclSystem:
    """The ACL system behind one agent."""

    def __init__(self, connection: Connection) -> None:
        """Prepare; nothing is sent yet."""
        self._url = connection.url
        self._client = ConsulClient(connection)

    def read(self, wanted: WantedAcl) -> ActualAcl:
        """The state that a plan needs; ActualAcl.untouched if a bootstrap is due."""
        try:
            return self._read(wanted)
        except NotBootstrapped as error:
            if wanted.bootstrap:
                return ActualAcl.untouched(wanted)
            raise ConsulError(
                f"{error}. The ACL system is not bootstrapped: set 'bootstrap: true'"
            ) from error

    def _read(self, wanted: WantedAcl) -> ActualAcl:
        """The state that a plan needs; NotBootstrapped if the ACL system is not bootstrapped."""
        try:
            policies = self._client.get("/v1/acl/policies") or []
        except Forbidden as error:
            raise self._unknown(wanted, error) from error
        except RequestRefused as error:
            if "ACL support disabled" in str(error):
                raise AclDisabled(
                    f"{error}. Set acl.enabled in the agent's configuration"
                ) from error
            raise
        listed = {policy.name for policy in wanted.policies}
        # The list contains everything but the rules.
        found = (
            self._client.get(f"/v1/acl/policy/{entry['ID']}")
            for entry in policies
            if entry["Name"] in listed
        )
        tokens = self._client.get("/v1/acl/tokens") or []
        return ActualAcl(
            names=frozenset(entry["Name"] for entry in policies),
            policies={entry["Name"]: Policy.from_api(entry) for entry in found if entry},
            tokens=tuple(Token.from_api(entry) for entry in tokens),
            own=self._own(),
        )

    def bootstrap(self, wanted: WantedAcl) -> ActualAcl:
        """Bootstrap with the token of the call; the state afterwards.

        Consul allows it once. A concurrent second call with the same token finds it done.
        """
        refused: Forbidden | None = None
        try:
            self._client.put("/v1/acl/bootstrap", {"BootstrapSecret": wanted.token})
        except Forbidden as error:
            refused = error
        try:
            actual = self._read(dataclasses.replace(wanted, bootstrap=False))
        except UnknownToken as error:
            if refused is None:
                raise
            index = re.search(r"reset index: \d+", str(refused))
            raise self._locked(f" ({index[0]})" if index else "") from error
        return dataclasses.replace(actual, fresh=refused is None)

    def apply(self, plan: AclPlan) -> None:
        """Send the steps: a policy is created before its links, and deleted after them."""
        for policy in plan.policies:
            if policy.after:
                self._write_policy(policy.action, policy.before, policy.after)
        for token in plan.tokens:
            if token.after:
                self._write_token(token.action, token.before, token.after)
        if plan.anonymous and plan.anonymous.after:
            self._write_token(plan.anonymous.action, plan.anonymous.before, plan.anonymous.after)
        for token in plan.tokens:
            if token.action == "deleted":
                self._client.delete(f"/v1/acl/token/{token.subject.accessor}")
        for policy in plan.policies:
            if policy.action == "deleted" and policy.before:
                self._client.delete(f"/v1/acl/policy/{policy.before.id}")

    def _write_policy(self, action: str, before: Policy | None, after: Policy) -> None:
        """Create or update a policy; the error names it, because its path does not."""
        path = f"/v1/acl/policy/{before.id}" if before else "/v1/acl/policy"
        if action != "unchanged":
            try:
                self._client.put(path, after.payload())
            except RequestRefused as error:
                raise RequestRefused(f"policy {after.name}: {error}") from error

    def _write_token(self, action: str, before: Token | None, after: Token) -> None:
        """Create a token with its secret, or update it without its secret."""
        if action == "created":
            self._client.put("/v1/acl/token", {**after.payload(), "SecretID": after.secret})
        elif action == "updated" and before:
            kept = dataclasses.replace(after, local=before.local)
            self._client.put(f"/v1/acl/token/{after.accessor}", kept.payload())

    def _unknown(self, wanted: WantedAcl, error: Forbidden) -> ConsulError:
        """The error for a token that Consul does not know, or that lacks acl:read."""
        if not isinstance(error, TokenNotFound):
            return error
        return self._locked() if wanted.bootstrap else UnknownToken(str(error))

    def _locked(self, index: str = "") -> UnknownToken:
        """The error if a bootstrap is impossible and the token is unknown."""
        return UnknownToken(
            f"bootstrap at {self._url}: the ACL system is already bootstrapped, and Consul does "
            "not know the token of this call: nothing was changed. Give an existing management "
            f"token; if all are lost, reset the ACL system{index} as described at {RESET}"
        )

    def _own(self) -> str:
        """The accessor of the token of the call; empty for one from an agent's configuration."""
        try:
            return str(self._client.get("/v1/acl/token/self")["AccessorID"])
        except Forbidden:
            return ""
