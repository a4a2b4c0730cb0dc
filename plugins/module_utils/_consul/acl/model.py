# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""ACL policies and tokens as values, with their validation and their payload. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import uuid

from ..transport.errors import ConsulError

# The namespace of Ansible's filter to_uuid: a playbook can derive the accessor ID from a SecretID.
ACCESSOR_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")
# The prefix of the description of every token that this collection creates.
MARK = "rollcall: "
ANONYMOUS = "00000000-0000-0000-0000-000000000002"
# Consul returns it instead of a SecretID to a token with acl:read but without acl:write.
HIDDEN = "<hidden>"
MANAGEMENT = "global-management"
# Built in, and read-only.
BUILT_IN = (MANAGEMENT, "builtin/global-read-only")

_POLICY_NAME = re.compile(r"[A-Za-z0-9_-]+/?[A-Za-z0-9_-]*")
_POLICY_NAME_LENGTH = 128
_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
# An agent converts the name of its datacenter to lowercase.
_DATACENTER = re.compile(r"[a-z0-9_-]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RESERVED = "00000000-0000-0000-0000-0000000000"
# Permissions of a token that no option of ours sets.
_MORE = ("Roles", "ServiceIdentities", "TemplatedPolicies")


@dataclasses.dataclass(frozen=True)
class Policy:
    """A wanted or an actual policy; the `id` is given by Consul, empty in a wanted one."""

    name: str
    description: str = ""
    rules: str = ""
    datacenters: tuple[str, ...] = ()
    id: str = dataclasses.field(default="", compare=False)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Policy:
        """Read an entry of the module's options; ConsulError for an invalid name."""
        name, datacenters = params["name"], params.get("datacenters") or ()
        if name in BUILT_IN or name.startswith("builtin/"):
            raise ConsulError(
                f"policy {name} is built in: tokens can link it, but it cannot be changed"
            )
        if not _POLICY_NAME.fullmatch(name) or len(name) > _POLICY_NAME_LENGTH:
            raise ConsulError(
                f"{name[:60]!r} is not a valid policy name: up to {_POLICY_NAME_LENGTH} letters, "
                "digits, '-', '_' and one '/' inside"
            )
        for datacenter in datacenters:
            _validate_datacenter(f"policy {name}", datacenter)
        return cls(
            name=name,
            description=params.get("description") or "",
            rules=params.get("rules") or "",
            datacenters=tuple(sorted(set(datacenters))),
        )

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Policy:
        """Read an answer of /v1/acl/policy/<id>."""
        return cls(
            name=entry["Name"],
            description=entry.get("Description") or "",
            rules=entry.get("Rules") or "",
            datacenters=tuple(sorted(entry.get("Datacenters") or ())),
            id=entry["ID"],
        )

    def payload(self) -> dict[str, t.Any]:
        """The body of /v1/acl/policy."""
        return {
            "Name": self.name,
            "Description": self.description,
            "Rules": self.rules,
            "Datacenters": list(self.datacenters),
        }

    def shown(self) -> dict[str, t.Any]:
        """The policy in a diff, the rules line by line."""
        return {
            "description": self.description,
            "datacenters": list(self.datacenters),
            "rules": self.rules.splitlines(),
        }


@dataclasses.dataclass(frozen=True)
class Token:
    """A wanted or an actual token.

    The secret is never shown, and not compared: it cannot change. `more` are permissions of an
    actual token that no option sets; `local` is decided when the token is created.
    """

    accessor: str
    description: str
    policies: tuple[str, ...] = ()
    # Node and datacenter of each.
    node_identities: tuple[tuple[str, str], ...] = ()
    more: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    secret: str = dataclasses.field(default="", repr=False, compare=False)
    local: bool = dataclasses.field(default=False, compare=False)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Token:
        """Read an entry of the module's options; ConsulError for an invalid one."""
        name, secret = params["name"], params.get("secret_id") or ""
        where = f"token {name}"
        if not name or not name.isprintable() or name != name.strip():
            raise ConsulError(
                f"{name[:60]!r} is not a valid token name: one line without surrounding blanks"
            )
        accessor = params.get("accessor_id") or (accessor_of(secret) if secret else "")
        for what, text in (("secret_id", secret), ("accessor_id", accessor)):
            if text and not _UUID.fullmatch(text):
                raise ConsulError(f"{what} of {where} is not a UUID")
            if text.startswith(_RESERVED):
                raise ConsulError(f"{what} of {where} is reserved by Consul")
        if not accessor:
            raise ConsulError(f"{where} needs secret_id, or accessor_id with state=absent")
        identities = {
            (each["node"], each["datacenter"]) for each in params.get("node_identities") or ()
        }
        for node, datacenter in identities:
            if not _NODE_NAME.fullmatch(node):
                raise ConsulError(
                    f"{where}: {node!r} is not a valid node of a node identity: only lowercase "
                    "letters, digits, '-' and '_'"
                )
            _validate_datacenter(where, datacenter)
        return cls(
            accessor=accessor.lower(),
            description=MARK + name,
            policies=tuple(sorted(set(params.get("policies") or ()))),
            node_identities=tuple(sorted(identities)),
            secret=secret,
        )

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Token:
        """Read an entry of /v1/acl/tokens."""
        return cls(
            accessor=entry["AccessorID"],
            description=entry.get("Description") or "",
            policies=tuple(sorted(link["Name"] for link in entry.get("Policies") or ())),
            node_identities=tuple(
                sorted(
                    (each["NodeName"], each["Datacenter"])
                    for each in entry.get("NodeIdentities") or ()
                )
            ),
            more={key: entry[key] for key in _MORE if entry.get(key)},
            secret=entry.get("SecretID") or "",
            local=bool(entry.get("Local")),
        )

    @property
    def name(self) -> str:
        """The description without the prefix of this collection."""
        ours = self.description.startswith(MARK)
        return self.description[len(MARK) :] if ours else self.description

    def payload(self) -> dict[str, t.Any]:
        """The body of /v1/acl/token/<accessor>, which does not change the secret."""
        return {
            **self.more,
            "AccessorID": self.accessor,
            "Description": self.description,
            "Policies": [{"Name": name} for name in self.policies],
            "NodeIdentities": [
                {"NodeName": node, "Datacenter": datacenter}
                for node, datacenter in self.node_identities
            ],
            "Local": self.local,
        }

    def shown(self) -> dict[str, t.Any]:
        """What a diff shows."""
        return {
            "description": self.description,
            "policies": list(self.policies),
            "node_identities": [
                f"{node} in {datacenter}" for node, datacenter in self.node_identities
            ],
            "more": dict(self.more),
        }


@dataclasses.dataclass(frozen=True)
class WantedAcl:
    """Everything that one call asks for. `anonymous` is None if its policies are not managed."""

    policies: tuple[Policy, ...] = ()
    tokens: tuple[Token, ...] = ()
    anonymous: tuple[str, ...] | None = None
    absent: bool = False
    purge: bool = False
    bootstrap: bool = False
    # The token of the call itself.
    token: str = dataclasses.field(default="", repr=False)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any], token: str | None) -> WantedAcl:
        """Read the options of a module; ConsulError names an invalid one, and no secret."""
        anonymous = params.get("anonymous_policies")
        wanted = cls(
            policies=tuple(Policy.from_params(each) for each in params.get("policies") or ()),
            tokens=tuple(Token.from_params(each) for each in params.get("tokens") or ()),
            anonymous=None if anonymous is None else tuple(sorted(set(anonymous))),
            absent=params.get("state") == "absent",
            purge=bool(params.get("purge")),
            bootstrap=bool(params.get("bootstrap")),
            token=token or "",
        )
        _validate(wanted)
        return wanted


def accessor_of(secret: str) -> str:
    """The accessor ID derived from a SecretID, by which a second run finds the token."""
    return str(uuid.uuid5(ACCESSOR_NAMESPACE, secret))


def _validate(wanted: WantedAcl) -> None:
    """ConsulError for entries that contradict each other."""
    if wanted.bootstrap and not wanted.token:
        raise ConsulError(
            "bootstrap makes the token of this call the bootstrap token, but none is given: set a "
            "UUID in token, token_file or CONSUL_HTTP_TOKEN"
        )
    if wanted.bootstrap and not _UUID.fullmatch(wanted.token):
        raise ConsulError(
            "bootstrap makes the token of this call the bootstrap token, but it is not a UUID"
        )
    names = [policy.name for policy in wanted.policies]
    repeated = _repeated(names)
    if repeated:
        raise ConsulError(f"policies contains {names[repeated[1]]} twice")
    for what, values in (
        ("name", [token.description for token in wanted.tokens]),
        # Tokens without a secret are compared by accessor.
        ("secret_id", [token.secret or token.accessor for token in wanted.tokens]),
        ("accessor_id", [token.accessor for token in wanted.tokens]),
    ):
        repeated = _repeated(values)
        if repeated:
            first, second = (wanted.tokens[index].name for index in repeated)
            raise ConsulError(f"the tokens {first} and {second} have the same {what}")
    if not wanted.absent:
        for each in wanted.tokens:
            if not each.secret:
                raise ConsulError(f"token {each.name} needs a secret_id")


def _repeated(values: t.Sequence[str]) -> tuple[int, int] | None:
    """The indexes of the first two equal values."""
    for index, value in enumerate(values):
        first = values.index(value)
        if first != index:
            return first, index
    return None


def _validate_datacenter(where: str, datacenter: str) -> None:
    """ConsulError for an invalid name of a datacenter."""
    if not _DATACENTER.fullmatch(datacenter):
        raise ConsulError(
            f"{where}: {datacenter!r} is not a valid datacenter: lowercase letters, digits, '-' "
            "and '_'"
        )
